"""Modality dropout: what is marked as absent, and what never changes."""

from collections import Counter

import numpy as np
import pytest

from egomm.datasets.transforms import DropModalities, PackSample

ALL = {'rgb': True, 'flow': True, 'audio': True}


def kept(results, prob, present=ALL, times=2000):
    """How often each set of modalities was left."""
    step, rng = DropModalities(prob), np.random.default_rng(0)
    counts = Counter()
    for _ in range(times):
        left = step(results(present=dict(present), rng=rng))['present']
        counts[tuple(name for name, real in left.items() if real)] += 1
    return counts


def test_each_modality_is_dropped_by_itself_as_often_as_asked(results):
    counts = kept(results, 0.3)
    # Three stay with 0.7^3; RGB alone with 0.7 * 0.3^2, and with a third of all that would lose
    # everything, 0.3^3 / 3. Four standard deviations of 2000 draws.
    for names, chance in (
        (('rgb', 'flow', 'audio'), 0.343),
        (('rgb', 'flow'), 0.147),
        (('rgb',), 0.072),
    ):
        spread = np.sqrt(2000 * chance * (1 - chance))
        assert abs(counts[names] - 2000 * chance) < 4 * spread


def test_the_last_one_that_is_there_stays(results):
    counts = kept(results, 1.0)
    assert set(counts) == {('rgb',), ('flow',), ('audio',)}
    assert min(counts.values()) > 2000 / 3 - 4 * np.sqrt(2000 * 2 / 9)
    assert set(kept(results, 1.0, {'rgb': False, 'flow': True, 'audio': False})) == {('flow',)}


def test_only_what_is_named_is_dropped_and_what_is_missing_stays_missing(results):
    counts = kept(results, dict(audio=0.5), {'rgb': True, 'flow': False, 'audio': True})
    assert set(counts) == {('rgb', 'audio'), ('rgb',)}
    assert set(kept(results, 0.0, {'rgb': True, 'flow': False, 'audio': True})) == {
        ('rgb', 'audio')
    }


def test_the_generator_of_the_sample_decides_and_the_data_stay(results, images):
    def packed(seed):
        clip = results(rng=np.random.default_rng(seed), times=np.array([1.0, 2.0]), **images())
        return PackSample(inputs=['rgb', 'flow'])(DropModalities(0.5)(clip))

    first, second = packed(3), packed(3)
    assert first['present'] == second['present']
    assert len({tuple(packed(seed)['present'].values()) for seed in range(20)}) == 3
    assert first['inputs']['rgb'].shape == (3, 2, 40, 60)
    assert first['data_samples'].present == first['present']


def test_as_much_is_drawn_for_a_clip_that_lacks_something(results):
    rngs = [np.random.default_rng(5), np.random.default_rng(5)]
    DropModalities(0.5)(results(present=dict(ALL), rng=rngs[0]))
    DropModalities(0.5)(results(present={**ALL, 'audio': False}, rng=rngs[1]))
    assert rngs[0].random() == rngs[1].random()


@pytest.mark.parametrize('prob', [1.5, dict(audio=-0.1)])
def test_no_probability_is_refused(prob):
    with pytest.raises(ValueError, match=r'wants probabilities within 0..1; got prob='):
        DropModalities(prob)


def test_unknown_modality_is_named_with_those_there_are(results):
    with pytest.raises(ValueError, match=r"\['depth'\] is none of \['rgb', 'flow', 'audio'\]"):
        DropModalities(dict(depth=0.5))(results(present=dict(ALL)))
