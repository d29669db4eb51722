"""A thousand processes and a million videos: who does what, without a machine for any of it."""

import resource

import numpy as np

from egomm.datasets import EpochSampler, samplers
from egomm.functional.sharing import deal_out

RANKS, VIDEOS = 1000, 1_000_000
MEGABYTES = 600  # of a process that plans for all


def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_a_million_videos_are_shared_among_a_thousand_processes():
    before = megabytes()
    hours = np.random.default_rng(0).lognormal(-1.5, 1.2, VIDEOS)
    parts = deal_out(hours, RANKS)
    assert ((parts >= 0) & (parts < RANKS)).all()  # each video once: complete and disjoint
    filled = np.bincount(parts, hours, RANKS)
    assert filled.max() / filled.mean() < 1.01
    assert filled.min() / filled.mean() > 0.99
    # By name alone, in turns, some process would work for much longer.
    in_turns = np.bincount(np.arange(VIDEOS) % RANKS, hours, RANKS)
    assert in_turns.max() / in_turns.mean() > 1.1
    assert megabytes() - before < MEGABYTES


def test_the_plan_is_the_same_wherever_it_is_made():
    hours = np.random.default_rng(1).lognormal(-1.5, 1.2, 20_000)
    assert np.array_equal(deal_out(hours, RANKS), deal_out(hours.tolist(), RANKS))


def test_an_epoch_of_a_million_clips_is_dealt_to_a_thousand_processes(monkeypatch):
    before = megabytes()
    size = VIDEOS - 1  # so that one place is filled up
    sampler = EpochSampler(range(size), seed=3)
    sampler.set_epoch(5)
    order = sampler.order()
    assert np.array_equal(order, EpochSampler.order(sampler))
    repeats = samplers._repeats(order)
    assert not repeats.any()
    # What every process computes for itself, once for all of them.
    monkeypatch.setattr(EpochSampler, 'order', lambda self: order)
    monkeypatch.setattr(samplers, '_repeats', lambda given: repeats)
    sampler.world_size = RANKS
    times_seen = np.zeros(size, np.int64)
    padded = 0
    for rank in range(RANKS):
        sampler.rank = rank
        dealt = list(sampler)
        assert len(dealt) == len(sampler) == VIDEOS // RANKS
        times_seen[[where.index for where in dealt if not where.padding]] += 1
        padded += sum(where.padding for where in dealt)
    assert (times_seen == 1).all()
    assert padded == 1
    assert megabytes() - before < MEGABYTES
