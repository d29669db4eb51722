"""Train and test a config on the three splits of EGTEA Gaze+, and average the scores.

    python tools/egtea_splits.py configs/multitask/egtea_mfnet_avnhg.py
    python tools/egtea_splits.py configs/multitask/egtea_mfnet_avnhg.py --processes 8

Each split runs in its own folder of the work dir, split1 to split3; tested is the best checkpoint
of the config's `save_best`, as in Kapidis et al. (2019), or the last one. The scores of every
split and their means are printed and written to splits.json. What is done already is not done
again, and an interrupted training goes on, so the command can be stopped and given again.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch, runs  # noqa: E402

TOOLS = Path(__file__).resolve().parent
VARIABLE, SPLITS = runs.EGTEA_VARIABLE, runs.EGTEA_SPLITS
COUNTS = ('frames', 'frames_skipped', 'frames_unlabelled')  # no scores
Call = Callable[[Sequence[str], int], None]


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='path of a config of EGTEA Gaze+')
    parser.add_argument('--work-dir', help='work_dirs/<name of the config> unless given')
    parser.add_argument(
        '--splits', type=int, nargs='+', default=SPLITS, choices=SPLITS, help='by default 1 2 3'
    )
    parser.add_argument('--processes', help='on this node, one a device, as of tools/dist_train.sh')
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='as of tools/train.py'
    )
    return parser.parse_args(arguments)


def run_tool(command: Sequence[str], split: int) -> None:
    """Run a tool in a process of its own that reads this split."""
    with runs.egtea_split(split):
        done = subprocess.run(command, check=False)
    if done.returncode:
        raise ValueError(
            f'split {split}: `{" ".join(command)}` failed, see above. Give the same command again '
            'once that is repaired; what is done stays.'
        )


def read_config(config: str) -> dict[int, str]:
    """SHA-256 of what a config says, by split; one that tests on the same file is refused."""
    files, sums = set(), {}
    for split in SPLITS:
        with runs.egtea_split(split):
            loaded = runs.load_config(config)
        files.add(str(loaded.test_dataloader.dataset.get('ann_file')))
        sums[split] = runs.sha256_of_config(loaded)
    if len(files) < len(SPLITS):
        raise ValueError(
            f'{config} tests on {sorted(files)} whatever {VARIABLE} says. Give a config of '
            f'EGTEA Gaze+, whose ann_file has {{{{${VARIABLE}:1}}}} in its name.'
        )
    return sums


def run_split(
    args: argparse.Namespace, split: int, config_sha256: str, folder: Path, call: Call
) -> dict[str, float]:
    """Scores of one split: read, or trained for and tested."""
    found = folder / 'scores.json'
    settings = {'config_sha256': config_sha256, 'options': args.cfg_options}
    runs.keep_settings(folder, settings)
    if found.is_file():
        return json.loads(found.read_text(encoding='utf-8'))['scores']
    options = ['--cfg-options', *args.cfg_options] if args.cfg_options else []
    train = runs.tool_command(TOOLS, 'train', args.config, processes=args.processes)
    call([*train, '--work-dir', str(folder), '--resume', *options], split)
    checkpoint = runs.choose_checkpoint(folder)
    words = (args.config, str(checkpoint))
    test = runs.tool_command(TOOLS, 'test', *words, processes=args.processes)
    call([*test, '--work-dir', str(folder / 'test'), *options], split)
    scores = runs.read_scores(folder / 'test')
    content = {'checkpoint': checkpoint.name, 'scores': scores}
    runs.write_json(found, content)
    return scores


def average(splits: Mapping[int, Mapping[str, float]]) -> dict[str, float]:
    """Mean over the splits of every score that all of them have."""
    names = [
        name
        for name in next(iter(splits.values()))
        if name.rpartition('/')[2] not in COUNTS and all(name in s for s in splits.values())
    ]
    return {name: sum(s[name] for s in splits.values()) / len(splits) for name in names}


def table(splits: Mapping[int, Mapping[str, float]], means: Mapping[str, float]) -> str:
    """One line a score: every split, and the mean."""
    width = max(map(len, means))
    heads = [f'split {split}' for split in splits] + ['mean']
    lines = [' ' * width + ''.join(f'{head:>10}' for head in heads)]
    for name, mean in means.items():
        values = [*(scores[name] for scores in splits.values()), mean]
        lines.append(f'{name:<{width}}' + ''.join(f'{value:10.3f}' for value in values))
    return '\n'.join(lines)


def main(arguments: Sequence[str] | None = None, call: Call = run_tool) -> None:
    args = parse_arguments(arguments)
    sums = read_config(args.config)
    home = Path(args.work_dir or Path('work_dirs', Path(args.config).stem))
    splits = {
        split: run_split(args, split, sums[split], home / f'split{split}', call)
        for split in sorted(args.splits)
    }
    means = average(splits)
    runs.write_json(home / 'splits.json', {'config': args.config, 'splits': splits, 'mean': means})
    print(table(splits, means))
    print(f'written: {home / "splits.json"}')


if __name__ == '__main__':
    launch.run(main)
