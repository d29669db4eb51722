import runpy
from pathlib import Path

import pytest

from egomm.apis import onnx_export
from egomm.apis.onnx_export import Difference

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize('largest, code', [(1e-5, None), (2e-3, 1), (float('nan'), 1)])
def test_a_file_that_differs_ends_with_1(
    largest, code, command_line, tmp_path, monkeypatch, capsys
):
    tool = runpy.run_path(str(command_line.tools / 'export_onnx.py'))

    def written(config, checkpoint, out, batch, length):
        (tmp_path / 'x.onnx').write_bytes(b'x')
        return dict(rgb=(1, 3)), dict(verb=Difference(largest, 10.0))

    monkeypatch.setattr(onnx_export, 'export_onnx', written)
    arguments = [
        str(ROOT / 'configs/toy/multitask_a.py'),
        'x.pth',
        '--out',
        str(tmp_path / 'x.onnx'),
    ]
    if code is None:
        tool['main'](arguments)
    else:
        with pytest.raises(SystemExit) as error:
            tool['main'](arguments)
        assert error.value.code == code
        assert 'verb differ by more than 0.0001' in capsys.readouterr().err
