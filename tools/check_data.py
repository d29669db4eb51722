"""Look through all data of a config: what is missing or odd, and what becomes of it.

    python tools/check_data.py configs/asl/mq_asl_egovlp.py --json check.json

Reads every annotation and every feature file; of each video, frame folder and sound file it loads
the clip that ends last, with --every-clip all of them. Each line has what becomes of the data, how
many there are and what they are; --policies adds those that nothing was found for. Ends with 1 if
something would stop a run.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='path of a config file')
    parser.add_argument('--json', metavar='FILE', help='also write the findings to this file')
    parser.add_argument(
        '--every-clip', action='store_true', help='load every clip of video, frames and sound'
    )
    parser.add_argument(
        '--policies', action='store_true', help='also show what was looked for and not found'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=launch.OptionsAction,
        default={},
        metavar='KEY=VALUE',
        help='override settings of the config, as in tools/train.py',
    )
    parser.set_defaults(launcher='none', local_rank=0, work_dir=None)
    return parser.parse_args(arguments)


def written(findings: Sequence[Any]) -> list[dict[str, Any]]:
    """Findings for JSON."""
    return [dict(one._asdict(), effect=one.effect) for one in findings]


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    config = launch.load_config(args)
    config.merge_from_dict(args.cfg_options)

    from egomm.apis.check_data import check_config

    checked = check_config(config, args.every_clip, args.policies)
    for data in checked:
        print(f'{", ".join(data.loaders)}: {data.type}, {data.ann_file}, {data.records} records')
        for finding in data.findings:
            print(f'  {finding.policy:8}{finding.count:6}  {finding.what}')
            if finding.count and finding.effect:
                print(f'{"":18}effect: {finding.effect}')
            for example in finding.examples:
                print(f'{"":18}{example}')
        if not data.findings:
            print(f'  no faults found in {data.records} records')
    if args.json:
        content = dict(
            config=args.config,
            fine=all(data.fine for data in checked),
            data=[dict(data._asdict(), findings=written(data.findings)) for data in checked],
        )
        Path(args.json).parent.mkdir(parents=True, exist_ok=True)
        Path(args.json).write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')
    if not all(data.fine for data in checked):
        sys.exit(1)


if __name__ == '__main__':
    launch.run(main)
