import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from PIL import Image

from egomm.apis.browse import browse, clip_rows
from egomm.structures import EgoSample
from egomm.visualization.points import flow_row, true_point_row
from tests.apis.conftest import ROOT


def test_clips_of_three_modalities_and_segments_of_features_are_drawn(
    toy_world, feature_world, tmp_path
):
    for name, world in (('mimo_query', toy_world), ('asl_mq', feature_world)):
        config = Config.fromfile(ROOT / f'configs/toy/{name}.py')
        config.train_dataloader.dataset.data_root = str(world)
        with DefaultScope.overwrite_default_scope('egomm'):
            [first, last] = browse(config, 'train', tmp_path / name, 2)
        with Image.open(first) as picture:
            assert picture.size[0] > 800
            assert np.asarray(picture).std() > 10
        assert last.is_file()
    with pytest.raises(ValueError, match='At least one sample is to be drawn, .* got 0, 0'):
        browse(config, 'train', tmp_path, 0)
    with pytest.raises(ValueError, match='has no train_dataloader. Name another split'):
        browse(Config({}), 'train', tmp_path, 1)


def test_names_of_labels_are_said_and_a_missing_modality_too():
    view = dict(
        inputs=dict(rgb=torch.zeros(3, 2, 8, 8), audio=torch.zeros(1, 2, 8, 8)),
        present=dict(rgb=True, audio=False),
        data_samples=EgoSample(
            metainfo=dict(narration_id='P01_1'),
            gt=dict(verb=1, action=(1, 2), gaze=np.array([[[0.0, 0.0, 1.0]], [[0.0, 0.0, 0.0]]])),
        ),
    )
    rows = clip_rows(view, dict(verb=['open', 'close']), {})
    assert [row.title for row in rows] == [
        'P01_1, verb: close (1), action: 1-2 | rgb',
        'audio: missing, masked',
        'gaze: rings where visible',
    ]
    shown, hidden = rows[2].images
    assert shown.max() == 255
    assert hidden.max() == 0


def test_a_ring_lies_around_its_point_and_flow_is_dark_where_nothing_moves():
    points = np.array([[[0.5, -0.5, 1.0]]])
    [image] = true_point_row('x', np.zeros((1, 224, 224, 3), np.uint8), points).images
    rows, columns = np.nonzero(image.any(-1))
    assert (rows.mean(), columns.mean()) == pytest.approx((56, 168), abs=0.6)
    flow = np.zeros((2, 1, 224, 224))
    flow[0, 0, :, :112] = 3
    [image] = flow_row('x', flow).images
    assert image[50, 50].tolist() == [255, 0, 0]  # to the right
    assert image[50, 180].tolist() == [0, 0, 0]
