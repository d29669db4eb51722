"""Write a trained model as ONNX and check it against PyTorch with onnxruntime.

    python tools/export_onnx.py configs/toy/mimo_query.py work_dirs/quickstart/epoch_7.pth \\
        --out mimo_query.onnx

For a recognizer, and for the network of a model of moments or queries (its outputs are decoded by
egomm). Shapes are fixed: --batch clips, and --length positions of a localizer. Ends with 1 if the
file differs from PyTorch by more than --tolerance of an output's largest value.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Write a trained model as ONNX and check it.')
    launch.add_common_arguments(parser)
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('--out', required=True, metavar='FILE.onnx', help='the file to write')
    parser.add_argument('--batch', type=int, default=1, help='clips at a time (1)')
    parser.add_argument(
        '--length', type=int, help="positions of a localizer's clip; by default as in training"
    )
    parser.add_argument(
        '--tolerance', type=float, default=1e-4, help="share of an output's largest value (1e-4)"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    config = launch.load_config(args)
    config.merge_from_dict(args.cfg_options)
    from mmengine.registry import init_default_scope

    from egomm.apis.onnx_export import export_onnx

    init_default_scope(config.get('default_scope', 'egomm'))
    inputs, differences = export_onnx(
        config, args.checkpoint, args.out, batch=args.batch, length=args.length
    )
    print(f'{args.out}: {Path(args.out).stat().st_size / 1e6:.1f} MB')
    for name, shape in inputs.items():
        print(f'  in   {name:<20} {" x ".join(map(str, shape))}')
    apart = []
    for name, (largest, scale) in differences.items():
        print(f'  out  {name:<20} differs from PyTorch by at most {largest:.2e} of {scale:.2e}')
        if not largest <= args.tolerance * scale:  # NaN is no agreement
            apart.append(name)
    if apart:
        print(
            f'error: {", ".join(apart)} differ by more than {args.tolerance:g} of their largest '
            'value. Do not use the file.',
            file=sys.stderr,
        )
        sys.exit(1)


if __name__ == '__main__':
    launch.run(main)
