"""Encoders of the studies' tokens, with random weights."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from egomm.registry import MODELS

CONFIG = Path(__file__).resolve().parents[2] / 'configs/toy/mimo_encoders.py'


@pytest.fixture
def encoders(tmp_path):
    """Config and checkpoint."""
    config = Config.fromfile(CONFIG)
    with DefaultScope.overwrite_default_scope('egomm'):
        model = MODELS.build(config.model)
    checkpoint = tmp_path / 'encoders.pth'
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    return config, checkpoint
