"""The order of an epoch: one global order, whatever the number of processes."""

import pytest

from egomm.datasets import EpochSampler, SampleIndex, samplers
from egomm.registry import DATA_SAMPLERS


def indices(monkeypatch, size, world, epoch=0, **kwargs):
    """By rank, what the sampler yields."""
    by_rank = []
    for rank in range(world):
        monkeypatch.setattr(samplers, 'get_dist_info', lambda rank=rank: (rank, world))
        sampler = EpochSampler(range(size), **kwargs)
        sampler.set_epoch(epoch)
        by_rank.append(list(sampler))
        assert len(by_rank[-1]) == len(sampler)
    return by_rank


def test_processes_share_the_order_of_one(monkeypatch):
    (alone,) = indices(monkeypatch, 10, 1, epoch=3, seed=5)
    assert sorted(item.index for item in alone) == list(range(10))
    for world in (2, 3, 4):
        by_rank = indices(monkeypatch, 10, world, epoch=3, seed=5)
        together = [item for step in zip(*by_rank, strict=True) for item in step]
        assert together[:10] == alone
        assert len(together) == -(-10 // world) * world
        assert all(item.padding for item in together[10:])
        assert [item.index for item in together[10:]] == [
            item.index for item in alone[: len(together) - 10]
        ]


def test_order_follows_seed_and_epoch(monkeypatch):
    first = indices(monkeypatch, 50, 1, epoch=0, seed=0)
    assert first == indices(monkeypatch, 50, 1, epoch=0, seed=0)
    assert first != indices(monkeypatch, 50, 1, epoch=1, seed=0)
    assert first != indices(monkeypatch, 50, 1, epoch=0, seed=1)


def test_without_shuffling_the_order_is_that_of_the_dataset(monkeypatch):
    assert indices(monkeypatch, 3, 2, shuffle=False) == [
        [SampleIndex(0, 0, False), SampleIndex(0, 2, False)],
        [SampleIndex(0, 1, False), SampleIndex(0, 0, True)],
    ]


def test_more_processes_than_samples(monkeypatch):
    by_rank = indices(monkeypatch, 2, 5, shuffle=False)
    assert [item.index for (item,) in by_rank] == [0, 1, 0, 1, 0]
    assert [item.padding for (item,) in by_rank] == [False, False, True, True, True]


def test_no_seed_is_refused():
    with pytest.raises(ValueError, match='number as `seed`.*got None.*diff-rank-seed'):
        DATA_SAMPLERS.build({'type': 'EpochSampler', 'dataset': [1], 'seed': None})
