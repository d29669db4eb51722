"""Write the vectors of the words of all queries, by the text encoder of a CLIP model on disk.

    python tools/extract_text_features.py --model models/clip-vit-large-patch14 \
        --out data/ego4d/features/clip_text data/ego4d/annotations/nlq_*.json

The model folder is a copy of openai/clip-vit-large-patch14 with its tokenizer; nothing is
downloaded. Needs: pip install "egomm[text]". An interrupted run goes on when it is called again.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# An installed egomm comes first, then the one of this checkout.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('annotations', nargs='+', help='nlq_*.json or .jsonl files')
    parser.add_argument('--model', required=True, metavar='DIR', help='folder of a CLIP model')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder to write')
    parser.add_argument('--device', default='cpu', help='such as cuda:0; cpu by default')
    args = parser.parse_args(arguments)

    from egomm.apis.text_features import extract_text_features

    total, written = extract_text_features(args.annotations, args.model, args.out, args.device)
    print(f'{args.out}: vectors of {total} queries, {written} of them new')


if __name__ == '__main__':
    launch.run(main)
