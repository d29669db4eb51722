"""Parameters and floating-point operations of a config's model, part by part.

    python tools/analysis/count.py configs/mimo/epic100_swin-t_query.py

Neither weights nor data are needed. A multiplication and an addition count as two operations; only
matrix products, convolutions and attention are counted.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from egomm.apis import launch  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Count a model's parameters and operations.")
    launch.add_common_arguments(parser)
    parser.add_argument('--length', type=int, help="positions of a localizer's clip")
    parser.add_argument('--json', metavar='FILE', help='also write the numbers to this file')
    args = parser.parse_args(arguments)
    config = launch.load_config(args)
    config.merge_from_dict(args.cfg_options)
    from mmengine.registry import init_default_scope

    from egomm.apis.cost import count_parts

    init_default_scope(config.get('default_scope', 'egomm'))
    rows, shapes = count_parts(config, args.length)
    inputs = ', '.join(f'{name} {"x".join(map(str, x[1:]))}' for name, x in shapes.items())
    print(f'one clip of {inputs}\n{"":<24}{"parameters":>14}{"trained":>14}{"GFLOP":>12}')
    for row in rows:
        print(f'{row.part:<24}{row.parameters:>14,}{row.trained:>14,}{row.operations / 1e9:>12.3f}')
    if args.json:
        Path(args.json).parent.mkdir(parents=True, exist_ok=True)
        report = dict(inputs=shapes, parts=[row._asdict() for row in rows])
        Path(args.json).write_text(json.dumps(report, indent=1) + '\n', encoding='utf-8')


if __name__ == '__main__':
    launch.run(main)
