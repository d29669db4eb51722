"""Pictures and the mass on hands of two models without training."""

import importlib.util
import json
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from egomm.registry import MODELS


def test_pictures_films_and_the_mass_on_hands(command_line, egtea_world, tmp_path):
    root = command_line.tools.parent
    files = {}
    for name in ('vh', 'v'):
        torch.manual_seed(len(files))
        config = root / f'configs/toy/multitask_{name}.py'
        state = MODELS.build(Config.fromfile(config).model).state_dict()
        torch.save(dict(state_dict=state), tmp_path / f'{name}.pth')
        files[name] = [config, tmp_path / f'{name}.pth']
    out = tmp_path / 'pictures'
    printed = command_line.call(
        command_line.python,
        command_line.tools / 'visualize.py',
        *files['vh'],
        out,
        '--clips=2',
        '--cfg-options',
        f'test_dataloader.dataset.data_root={egtea_world}/',
        'test_dataloader.num_workers=0',
        'test_dataloader.persistent_workers=False',
        '--against',
        *files['v'],
        folder=tmp_path,
    )
    pictures, films = sorted(out.glob('*.png')), sorted(out.glob('*.mp4'))
    assert len(pictures) == len(films) == 2
    # Frames, two hands, one tube: four rows with a title each, two with notes, and the legend.
    assert np.asarray(Image.open(pictures[0])).shape[0] == 4 * (224 + 4) + 7 * 22
    with av.open(str(films[0])) as film:
        [*frames] = film.decode(video=0)
    assert [len(frames), frames[0].width] == [16, 4 * 228]
    report = json.loads((out / 'hand_mass.json').read_text())
    difference = report['share']['first'] - report['share']['other']
    np.testing.assert_allclose(report['difference']['mean'], difference)
    assert report['difference']['low95'] < difference < report['difference']['high95']
    assert 0 < report['share_of_pixels'] < 1
    assert f'{report["clips"]} clips' in printed


def test_what_has_no_single_view_of_rgb_is_refused():
    path = Path(__file__).parents[2] / 'tools' / 'visualize.py'
    spec = importlib.util.spec_from_file_location('visualize', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    with pytest.raises(ValueError, match=r"got \['audio'\]. Take a config"):
        tool.clips_of(dict(inputs=dict(audio=[])))
    with pytest.raises(ValueError, match='got several views'):
        tool.clips_of([{}, {}])


def test_a_box_has_to_fit_into_the_image(command_line):
    printed = command_line.call(
        command_line.python,
        command_line.tools / 'visualize.py',
        *('c.py', 'c.pth', 'out', '--box=1.5'),
        code=2,
    )
    assert 'a share of the side of the image, 0 to 1; got 1.5' in printed
