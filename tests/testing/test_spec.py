"""Knobs of the toy kitchen: ranges, effective signals, smaller worlds."""

import dataclasses

import pytest

from egomm.testing.spec import PRESETS, KitchenSpec


def test_conflict_moves_the_verbs_evidence_to_the_state_of_the_object():
    spec = KitchenSpec(verb_signal=(0.4, 0.8, 0.6), conflict=0.25)
    signal = spec.signal('verb')
    # Anything shows the verb in 1 - 0.6 * 0.2 * 0.4 = 95.2 % of the clips; a quarter of that moves.
    assert signal == pytest.approx({'rgb': 0.3, 'flow': 0.6, 'audio': 0.45, 'state': 0.238})
    assert spec.signal('noun') == KitchenSpec().signal('noun')  # only verbs move


def test_taking_turns_raises_what_a_perfect_observer_has_to_go_by():
    spec = KitchenSpec(noun_signal=(0.5, 0.2, 0.1))
    assert spec.coverage('noun') == pytest.approx(1 - 0.5 * 0.8 * 0.9)
    half = dataclasses.replace(spec, complementary=0.5)
    assert half.coverage('noun') == pytest.approx((0.64 + 0.8) / 2)
    study = PRESETS['study']
    for task in ('verb', 'noun'):
        for conflict in (0.0, 1.0):
            world = dataclasses.replace(study, conflict=conflict)
            assert 0.90 <= world.coverage(task) <= 0.98


def test_full_balance_makes_the_modalities_equal():
    spec = KitchenSpec(noun_signal=(0.9, 0.1, 0.2), balance=1.0)
    assert spec.signal('noun') == pytest.approx({'rgb': 0.4, 'flow': 0.4, 'audio': 0.4})
    half = dataclasses.replace(spec, balance=0.5)
    assert half.signal('noun')['rgb'] == pytest.approx(0.65)


def test_lag_lowers_contrast_of_its_modality_only():
    spec = KitchenSpec(lag=(0.0, 0.5, 1.0))
    assert [spec.contrast(m) for m in ('rgb', 'flow', 'audio')] == pytest.approx([1, 0.7, 0.4])


def test_smaller_world_keeps_all_three_splits():
    spec = KitchenSpec().with_videos(4)
    assert (spec.train_videos, spec.validation_videos, spec.test_videos) == (2, 1, 1)
    assert spec.clips_per_video == 8
    with pytest.raises(ValueError, match='videos to be at least 3'):
        KitchenSpec().with_videos(2)


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'width': 95}, 'width to be an even number'),
        ({'verbs': 13}, r'verbs to be 2\.\.12, got 13'),
        ({'train_pairs': 10}, 'so that every class occurs'),
        ({'train_pairs': 180}, 'what train_pairs leaves'),
        ({'conflict': 1.5}, r'conflict to be 0\.\.1, got 1\.5'),
        ({'lag': (0, 2, 0)}, 'for rgb, flow, audio'),
        ({'clip_seconds': (2.0, 1.0)}, 'clip_seconds'),
        ({'flow_bound': 0}, 'Change that field of KitchenSpec'),
    ],
)
def test_impossible_worlds_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        KitchenSpec(**change)


def test_digest_tells_worlds_apart():
    digests = {
        spec.digest()
        for spec in (
            KitchenSpec(),
            KitchenSpec(seed=1),
            KitchenSpec(lag=(0.1, 0, 0)),
            PRESETS['study'],
        )
    }
    assert len(digests) == 4
    assert KitchenSpec().digest() == PRESETS['quick'].digest()


def test_study_preset_has_the_asked_sizes():
    spec = PRESETS['study']
    clips = [
        getattr(spec, f'{split}_videos') * spec.clips_per_video
        for split in ('train', 'validation', 'test')
    ]
    assert clips[0] >= 4000
    assert clips[1] >= 1000
    assert clips[2] >= 3000
