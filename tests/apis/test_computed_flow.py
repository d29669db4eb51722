"""Flow of a clip in memory: which pairs are taken, and what extraction says of it."""

import json

import numpy as np
import pytest
import torch

from egomm.apis import Recognizer
from egomm.apis.clip_models import load_clip_model
from egomm.apis.windows import extract_windows
from egomm.datasets.flow import FlowEngine, FlowSettings
from egomm.datasets.transforms.load import LoadFlow


def test_an_image_gets_the_pair_of_its_number_and_the_last_ones_the_last_pair():
    images = np.random.default_rng(0).integers(0, 256, (6, 32, 40, 3), np.uint8)
    engine = FlowEngine(FlowSettings('farneback', 4.0, stride=2))
    source = dict(type='memory', images=images, engine=engine)
    results = dict(
        sources=dict(flow=source),
        times=np.arange(4),
        frame_indices=np.array([1, 2, 3, 6]),
        present={},
    )
    flow = LoadFlow().transform(results)['flow']
    assert flow.shape == (4, 32, 40, 2)
    for row, (first, second) in enumerate([(0, 2), (0, 2), (2, 4), (3, 5)]):
        np.testing.assert_array_equal(flow[row], engine(images[first], images[second]))
    assert results['present']['flow']


def test_extraction_with_flow_uses_it_keeps_the_settings_and_warns_of_another(
    recognizer, make_video, tmp_path
):
    config, weights = recognizer
    saved = torch.load(weights, weights_only=True)
    flow = dict(algorithm='tvl1', bound=4.0, stride=1, fps=None)
    torch.save(dict(saved, meta=dict(flow=flow)), tmp_path / 'w.pth')
    video = make_video(tmp_path / 'a.mp4', seconds=1.0, fps=8, tone=None)
    said = []
    settings = dict(window=8, stride=8, fps=8.0, batch_size=1, say=said.append)
    for name, wanted in (('with', FlowSettings('dis', 4.0)), ('without', None)):
        out = tmp_path / name
        extract_windows(config, str(tmp_path / 'w.pth'), [video], out, flow=wanted, **settings)
    assert said[0] == (
        'WARNING: the model was trained on flow of tvl1, bound 4.0, stride 1, fps unknown; this '
        'is dis, bound 4.0, stride 1, fps 8.0'
    )
    assert sum('WARNING' in line for line in said) == 1
    with_flow, without = (
        json.loads((tmp_path / name / 'manifest.json').read_text()) for name in ('with', 'without')
    )
    assert with_flow['flow']['algorithm'] == 'dis'
    assert 'flow' not in without
    assert with_flow['videos']['a']['present'] == dict(rgb=1, flow=1, audio=0)
    assert without['videos']['a']['present'] == dict(rgb=1, flow=0, audio=0)
    one, other = (np.load(tmp_path / name / 'a.npy') for name in ('with', 'without'))
    assert np.abs(one - other).max() > 1e-4


def test_a_recognizer_with_flow_does_not_mask_it_and_notes_another(recognizer):
    images = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
    found = Recognizer(*recognizer, flow=FlowSettings())(images, fps=8.0)
    assert found['present'] == dict(rgb=True, flow=True, audio=False)
    assert any(
        note == 'the checkpoint does not say which flow it was trained on; this is dis, bound 8.0, '
        'stride 1, fps unknown'
        for note in found['notes']
    )
    assert 'no flow: masked' not in found['notes']


def test_flow_is_refused_where_nothing_loads_it(mmaction_recognizer):
    with pytest.raises(ValueError, match='loads rgb and no flow. Leave it out'):
        load_clip_model(*mmaction_recognizer, FlowSettings())
