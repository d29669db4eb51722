"""Learning rates of the schedules in configs/_base_ against those of the papers' code."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import scheduler
from mmengine.registry import PARAM_SCHEDULERS

ROOT = Path(__file__).resolve().parent.parent


def test_asl_learns_as_fast_as_the_reference_at_every_step():
    golden = json.loads((ROOT / 'tests/golden/asl/lr_schedule.json').read_text())
    config = Config.fromfile(ROOT / 'configs/_base_/schedules/asl_15e.py')
    lr = config.optim_wrapper.optimizer.lr
    assert lr == golden['base_lr']
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    schedulers = [
        PARAM_SCHEDULERS.build(
            {
                **part,
                'type': getattr(scheduler, part.type),
                'optimizer': optimizer,
                'epoch_length': golden['iters_per_epoch'],
            }
        )
        for part in config.param_scheduler
    ]
    used = []
    for _ in golden['lr_used_at_iter']:
        used.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for part in schedulers:
            part.step()
    assert len(used) == config.max_epochs * golden['iters_per_epoch']
    assert used == pytest.approx(golden['lr_used_at_iter'], abs=2e-12, rel=0)
