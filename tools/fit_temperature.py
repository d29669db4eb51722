"""Turn the scores of a trained recognizer into confidences.

    python tools/test.py CONFIG CHECKPOINT --dump predictions.pkl
    python tools/fit_temperature.py CONFIG CHECKPOINT predictions.pkl --out calibrated.pth

Fits one temperature a task on the clips of participants that training never saw, and writes a
checkpoint that holds them; `Recognizer` then speaks of confidence. Prints the expected calibration
error and the negative log-likelihood before and after, measured on other participants than each
temperature was fitted on.
"""

import argparse
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    launch.add_common_arguments(parser)
    parser.add_argument('checkpoint', help='path of the checkpoint that made the dump')
    parser.add_argument('dump', help='what tools/test.py --dump wrote')
    parser.add_argument('--out', required=True, metavar='FILE.pth', help='the checkpoint to write')
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    config = launch.load_config(args)
    config.merge_from_dict(args.cfg_options)

    import torch

    from egomm.apis.calibrate import calibrate
    from egomm.compat import load_checkpoint
    from egomm.registry import DATASETS

    settings = dict(config.train_dataloader.dataset, pipeline=[], check_files=False)
    dataset = DATASETS.build(settings)
    trained_on = {dataset.get_data_info(index)['participant_id'] for index in range(len(dataset))}
    with open(args.dump, 'rb') as file:
        samples = pickle.load(file)
    found = calibrate(samples, trained_on)
    print(f'{"task":<8}{"clips":>7}{"temperature":>13}{"ECE":>16}{"NLL (nats)":>18}')
    for task, about in found.items():
        error, loss = about.error, about.likelihood_loss
        print(
            f'{task:<8}{about.clips:>7}{about.temperature:>13.3f}'
            f'{error[0]:>8.3f} ->{error[1]:6.3f}{loss[0]:>9.3f} ->{loss[1]:7.3f}'
        )
    checkpoint = load_checkpoint(args.checkpoint)
    checkpoint['temperatures'] = {task: about.temperature for task, about in found.items()}
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint, args.out)
    print(f'{args.out}: {args.checkpoint} with these temperatures')


if __name__ == '__main__':
    launch.run(main)
