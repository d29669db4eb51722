"""A model whose two tasks want opposite things of their one backbone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from egomm.registry import MODELS
from egomm.structures import EgoSample


@pytest.fixture
def opposed():
    """``opposed(weighting)`` -> float64 model, batch for ``train_step``."""

    def make(weighting=None):
        torch.manual_seed(0)
        head = dict(
            type='ClassificationHead', in_channels=4, num_classes=3, source='rgb', dropout=0.0
        )
        model = MODELS.build(
            dict(
                type='MultiIOModel',
                data_preprocessor=dict(
                    type='EgoDataPreprocessor', modalities=dict(rgb=dict(mean=[0.0], std=[1.0]))
                ),
                backbones=dict(
                    rgb=dict(
                        type='WrappedBackbone',
                        model=dict(
                            type='torch.nn.Conv3d', in_channels=1, out_channels=4, kernel_size=1
                        ),
                    )
                ),
                neck=dict(type='torch.nn.Identity'),
                heads=dict(verb=head, noun=head),
                weighting=weighting,
            )
        ).double()
        weight = 0.3 * torch.randn(3, 4)  # small, so that both answers are far from sure
        model.heads.verb.linear.weight.data = weight.double()
        model.heads.noun.linear.weight.data = -weight.double() + 0.05 * torch.randn(3, 4)
        clips = list(torch.rand(2, 1, 2, 2, 2))
        batch = dict(
            inputs=dict(rgb=clips),
            present=dict(rgb=[True, True]),
            data_samples=[EgoSample(gt=dict(verb=1, noun=1)), EgoSample(gt=dict(verb=2, noun=2))],
        )
        return model, batch

    return make


@pytest.fixture(scope='session')
def weighted_steps(tmp_path_factory):
    """What ``weighted_step.py`` ends with: alone, in process 0, in process 1; by weighting."""
    out = tmp_path_factory.mktemp('weighted_step')
    script = Path(__file__).with_name('weighted_step.py')
    root = script.parents[3]
    environment = dict(
        os.environ, PYTHONPATH=str(root), OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='-1'
    )
    processes = [
        subprocess.Popen(
            [sys.executable, script, out, str(rank)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        output = [process.communicate(timeout=300)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], '\n'.join(output)[-5000:]
    files = [torch.load(out / f'{name}.pt') for name in ('one', 'two_0', 'two_1')]
    return {name: [results[name] for results in files] for name in files[0]}
