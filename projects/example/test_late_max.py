from pathlib import Path

import torch
from mmengine.config import Config

from egomm.registry import MODELS
from egomm.structures import Stream


def test_the_config_builds_and_keeps_the_strongest_modality():
    config = Config.fromfile(Path(__file__).with_name('mimo_late_max.py'))
    model = MODELS.build(config.model)
    streams = dict(
        rgb=Stream(torch.tensor([[1.0, 5.0]])),
        audio=Stream(torch.tensor([[2.0, 3.0]]), torch.tensor([True])),
    )
    assert model.neck(streams)['fused'].x.tolist() == [[2.0, 5.0]]
