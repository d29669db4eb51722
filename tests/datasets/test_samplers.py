"""The order of an epoch: one global order, whatever the number of processes."""

from collections import Counter

import numpy as np
import pytest

from egomm.datasets import ClassBalancedSampler, EpochSampler, SampleIndex, samplers
from egomm.registry import DATA_SAMPLERS


class Labelled:
    """A dataset of labels."""

    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def get_data_info(self, index):
        label = self.labels[index]
        return {'gt': {} if label is None else {'verb': label}}


def indices(monkeypatch, size, world, epoch=0, **kwargs):
    """By rank, what `EpochSampler` yields."""
    return dealt(monkeypatch, EpochSampler, range(size), world, epoch, **kwargs)


def dealt(monkeypatch, kind, dataset, world, epoch=0, **kwargs):
    """By rank, what a sampler yields."""
    by_rank = []
    for rank in range(world):
        monkeypatch.setattr(samplers, 'get_dist_info', lambda rank=rank: (rank, world))
        sampler = kind(dataset, **kwargs)
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


@pytest.mark.parametrize('size', [24, 27])  # the last round is whole, or padded
def test_another_number_of_processes_goes_on_in_the_same_order(monkeypatch, size):
    """One process, two, three, one again, with 6 clips a batch of all: as one from end to end."""

    def step(world, number):
        batch, items = 6 // world, []
        for rank in range(world):
            monkeypatch.setattr(samplers, 'get_dist_info', lambda rank=rank: (rank, world))
            sampler = EpochSampler(range(size), seed=5)
            sampler.set_epoch(3, start=number * batch)
            items += list(sampler)[:batch]
        return {item.index for item in items if not item.padding}

    (alone,) = indices(monkeypatch, size, 1, epoch=3, seed=5)
    for number, world in enumerate((1, 2, 3, 1, 2)[: -(-size // 6)]):
        wanted = alone[6 * number : 6 * number + 6]
        assert step(world, number) == {item.index for item in wanted}


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


LABELS = [0] * 80 + [1] * 16 + [2] * 4


def frequencies(alpha, epochs=60):
    sampler = ClassBalancedSampler(Labelled(LABELS), 'verb', alpha=alpha)
    drawn = Counter()
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        drawn.update(LABELS[item.index] for item in sampler)
    return np.array([drawn[label] for label in range(3)]) / (epochs * len(LABELS))


@pytest.mark.parametrize(
    'alpha, expected',
    [
        (1.0, [1 / 3, 1 / 3, 1 / 3]),
        (0.5, [0.5990, 0.2679, 0.1340]),  # roots 8.94, 4 and 2 of their sum
        (0.0, [0.80, 0.16, 0.04]),
    ],
)
def test_classes_appear_by_a_power_of_their_size(alpha, expected):
    # 6000 draws: the standard deviation of a share is at most 0.0062.
    np.testing.assert_allclose(frequencies(alpha), expected, atol=0.02)


def test_processes_share_the_draws_of_one(monkeypatch):
    data, kind = Labelled(LABELS[:90]), ClassBalancedSampler
    (alone,) = dealt(monkeypatch, kind, data, 1, epoch=3, task='verb', seed=5)
    assert len(alone) == 90
    by_rank = dealt(monkeypatch, kind, data, 4, epoch=3, task='verb', seed=5)
    together = [item for step in zip(*by_rank, strict=True) for item in step]
    assert together[:90] == alone
    assert [item.padding for item in together[90:]] == [True, True]
    again = dealt(monkeypatch, kind, data, 1, epoch=3, task='verb', seed=5)
    assert [alone] == again
    assert again != dealt(monkeypatch, kind, data, 1, epoch=4, task='verb', seed=5)
    assert again != dealt(monkeypatch, kind, data, 1, epoch=3, task='verb', seed=6)


def test_draws_of_a_clip_are_counted_within_the_epoch(monkeypatch):
    data = Labelled(LABELS)
    (drawn,) = dealt(monkeypatch, ClassBalancedSampler, data, 1, task='verb')
    seen = Counter()
    for item in drawn:
        assert item.repeat == seen[item.index]
        seen[item.index] += 1
    assert max(seen.values()) > 3
    assert not any(item.repeat for (items,) in [indices(monkeypatch, 9, 1)] for item in items)


def test_clips_without_a_label_are_not_drawn(monkeypatch):
    data = Labelled([None, 1, None, 2])
    (drawn,) = dealt(monkeypatch, ClassBalancedSampler, data, 1, task='verb')
    assert {item.index for item in drawn} <= {1, 3}


@pytest.mark.parametrize(
    'arguments, words',
    [
        (dict(task='noun'), "task='noun'.*none of the 1 clips has a label"),
        (dict(task='verb', alpha=2), 'alpha within 0..1; got 2'),
        (dict(task='verb', seed=None), 'number as `seed`'),
    ],
)
def test_what_cannot_be_balanced_is_refused(arguments, words):
    config = dict(type='ClassBalancedSampler', dataset=Labelled([0]), **arguments)
    with pytest.raises(ValueError, match=words):
        DATA_SAMPLERS.build(config)
