"""Draw the learning rate of a config, step by step, without training.

python tools/analysis/learning_rate.py configs/asl/mq_asl_egovlp.py --steps-per-epoch 500
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from egomm.apis import launch  # noqa: E402

MOST_POINTS = 2000


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description='Draw the learning rate of a config.')
    launch.add_common_arguments(parser)
    parser.add_argument(
        '--steps-per-epoch', type=int, metavar='N', help='counted from the annotations by default'
    )
    parser.add_argument(
        '--processes', type=launch.positive_number, default=1, help='that share the clips (1)'
    )
    parser.add_argument('--out', default='learning_rate.png', help='picture to write')
    args = parser.parse_args(arguments)
    config = launch.load_config(args)
    config.merge_from_dict(args.cfg_options)
    from mmengine.registry import init_default_scope

    from egomm.apis.schedule import learning_rates, steps_an_epoch
    from egomm.visualization.drawing import curves, save

    init_default_scope(config.get('default_scope', 'egomm'))
    steps = args.steps_per_epoch or steps_an_epoch(config, args.processes)
    rates = learning_rates(config, steps)
    every = -(-len(rates) // MOST_POINTS)
    points = [(step / steps, rates[step]) for step in range(0, len(rates), every)]
    name = Path(args.config).stem
    save(curves({f'learning rate, by epoch of {steps} steps': {name: points}}), args.out)
    print(
        f'{args.out}: {len(rates)} steps, {rates[0]:.3g} at first, {max(rates):.3g} at most, '
        f'{rates[-1]:.3g} at last'
    )


if __name__ == '__main__':
    launch.run(main)
