"""Plans: who does what when, and which evidence is shown."""

import dataclasses
from collections import Counter

import numpy as np
import pytest

from egomm.testing.plan import choose_pairs, draw_pairs, pair_probabilities, plan_world
from egomm.testing.spec import PRESETS, KitchenSpec


def actions(spec, *splits):
    return [a for v in plan_world(spec) if v.split in splits for a in v.actions]


@pytest.fixture(scope='module')
def quick():
    return plan_world(PRESETS['quick'])


def test_no_participant_is_in_two_splits(quick):
    people = {
        split: {v.participant for v in quick if v.split == split}
        for split in ('train', 'validation', 'test')
    }
    assert not people['train'] & people['validation']
    assert not (people['train'] | people['validation']) & people['test']


def test_both_video_styles_occur_in_train_and_validation(quick):
    for split in ('train', 'validation'):
        styles = {(v.fps, v.flow_stride, len(v.video_id)) for v in quick if v.split == split}
        assert styles == {(60, 2, 6), (50, 1, 7)}


def test_pairs_have_the_asked_number_and_every_class():
    train, test_only = choose_pairs(KitchenSpec())
    assert train.sum() == 80
    assert test_only.sum() == 15
    assert not (train & test_only).any()
    assert train.sum(0).min() >= 4
    assert train.sum(1).min() >= 6


def test_test_only_pairs_are_met_in_the_test_split_only():
    spec = dataclasses.replace(KitchenSpec(), test_videos=6)
    _, test_only = choose_pairs(spec)
    assert not any(test_only[a.verb, a.noun] for a in actions(spec, 'train', 'validation'))
    assert any(test_only[a.verb, a.noun] for a in actions(spec, 'test'))


def test_majority_classes_of_the_quick_world_are_small(quick):
    for split in ('train', 'validation'):
        labels = [a.annotated for v in quick if v.split == split for a in v.actions]
        for task in range(2):
            share = Counter(label[task] for label in labels).most_common(1)[0][1] / len(labels)
            assert share < 0.12


def test_pair_probabilities_meet_both_marginals():
    allowed = np.array([[1, 1, 0], [0, 1, 1]], bool)
    joint = pair_probabilities(allowed, np.array([3.0, 1.0]), np.array([2.0, 1.0, 1.0]) / 4)
    # Only (0, 0) serves noun 0 and only (1, 2) noun 2: 1/2, 1/4, so (1, 1) gets nothing.
    np.testing.assert_allclose(joint, [[0.5, 0.25, 0], [0, 0, 0.25]], atol=0.01)


def test_draws_are_within_one_of_their_expectation():
    p = np.array([[0.5, 0.25], [0.15, 0.1]])
    drawn = draw_pairs(p, 41, np.random.default_rng(0))
    counts = np.zeros((2, 2))
    np.add.at(counts, tuple(drawn.T), 1)
    assert np.abs(counts - 41 * p).max() <= 1


def test_zipf_and_participant_prior_shape_the_frequencies():
    even = Counter(a.verb for a in actions(KitchenSpec(zipf=0), 'train'))
    steep = Counter(a.verb for a in actions(KitchenSpec(zipf=1), 'train'))
    assert max(even.values()) < 1.3 * min(even.values())
    assert steep[0] > 5 * steep[11]

    def unlikeness(spec):
        parts = [
            Counter(a.verb for v in plan_world(spec) if v.participant == p for a in v.actions)
            for p in range(1, 7)
        ]
        return np.std([[part[k] for k in range(12)] for part in parts], axis=0).mean()

    assert unlikeness(KitchenSpec(participant_prior=1.0)) > 2 * unlikeness(KitchenSpec())


def test_shown_evidence_has_the_asked_share():
    spec = KitchenSpec(verb_signal=(0.2, 0.6, 0.4), noun_signal=(1.0, 0.0, 0.5))
    counted = Counter(name for a in actions(spec, 'train') for name in a.shown)
    total = len(actions(spec, 'train'))
    assert counted['noun/rgb'] == total
    assert counted['noun/flow'] == counted['verb/state'] == 0
    for name, share in (('verb/rgb', 0.2), ('verb/flow', 0.6), ('verb/audio', 0.4)):
        assert abs(counted[name] / total - share) < 3 * (0.25 / total) ** 0.5


def test_channels_that_take_turns_keep_their_share_and_leave_no_clip_without():
    spec = KitchenSpec(verb_signal=(0.2, 0.6, 0.4), noun_signal=(0.5, 0.2, 0.1), complementary=1.0)
    clips = actions(spec, 'train')
    counted = Counter(name for a in clips for name in a.shown)
    for name, share in (('verb/rgb', 0.2), ('verb/flow', 0.6), ('verb/audio', 0.4)):
        assert abs(counted[name] / len(clips) - share) < 3 * (0.25 / len(clips)) ** 0.5
    assert all(any(name.startswith('verb') for name in a.shown) for a in clips)
    noun = [sum(name.startswith('noun') for name in a.shown) for a in clips]
    assert max(noun) == 1  # levels that add up to 0.8 never meet
    assert abs(noun.count(0) / len(clips) - 0.2) < 3 * (0.16 / len(clips)) ** 0.5


def test_unreliable_clips_show_nothing_in_their_strongest_modality():
    clips = actions(KitchenSpec(unreliable=0.5), 'train')
    broken = [a for a in clips if a.unreliable]
    assert abs(len(broken) / len(clips) - 0.5) < 0.07
    assert {a.unreliable for a in broken} == {'flow', 'rgb'}  # strongest for verb, for noun
    assert not any(name.endswith(a.unreliable) for a in broken for name in a.shown)


def test_label_noise_touches_train_annotations_only():
    spec = KitchenSpec(label_noise=0.2)
    wrong = [a.annotated != (a.verb, a.noun) for a in actions(spec, 'train')]
    assert abs(np.mean(wrong) - 0.2) < 0.06
    assert all(a.annotated == (a.verb, a.noun) for a in actions(spec, 'validation', 'test'))


def test_segments_follow_one_another_with_background_between(quick):
    for video in quick:
        ends = [0.0]
        for segment in video.segments:
            assert segment.start > ends[-1] + 0.1
            ends.append(segment.stop)
        assert video.duration > ends[-1] + 0.3
