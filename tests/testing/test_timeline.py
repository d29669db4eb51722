"""When which moment happens in the long videos of the toy kitchen, and what of it can be seen."""

import math

import numpy as np
import pytest

from egomm.testing.spec import KitchenSpec
from egomm.testing.timeline import (
    Core,
    TimelineSpec,
    class_name,
    class_pairs,
    draw_cores,
    plan_timelines,
)


@pytest.fixture(scope='module')
def mixed():
    spec = TimelineSpec(train=40, val=2, test=60, core='mixed')
    return spec, plan_timelines(spec)


def test_clips_last_three_to_six_minutes_and_lie_inside_their_videos(mixed):
    _, timelines = mixed
    for timeline in timelines:
        begin, end = timeline.clip
        assert 180 <= end - begin <= 360
        assert 0 < begin < end < timeline.video.duration
        assert begin <= timeline.moments[0].start
        assert max(moment.stop for moment in timeline.moments) <= end + 1e-6


def test_lengths_overlaps_and_background_are_as_stated(mixed):
    _, timelines = mixed
    lengths = np.array([row.stop - row.start for line in timelines for row in line.moments])
    assert np.percentile(lengths, [5, 95]) == pytest.approx([1, 60], rel=0.25)
    pairs = [
        (one, other)
        for line in timelines
        for one, other in zip(line.moments, line.moments[1:], strict=False)
    ]
    overlapping = np.mean([other.start < one.stop - 1e-6 for one, other in pairs])
    assert overlapping == pytest.approx(0.2, abs=0.04)
    free = []
    for line in timelines:
        busy = np.zeros(int(100 * line.video.duration), bool)
        for row in line.moments:
            busy[int(100 * row.start) : int(100 * row.stop)] = True
        begin, end = (int(100 * second) for second in line.clip)
        free.append(1 - busy[begin:end].mean())
    assert np.mean(free) == pytest.approx(0.4, abs=0.01)
    assert any(
        len({row.label for row in line.moments}) < len(line.moments) for line in timelines
    )  # repeats


def test_a_participant_belongs_to_one_split_and_sixty_videos_are_for_the_test(mixed):
    _, timelines = mixed
    people = {}
    for line in timelines:
        people.setdefault(line.video.participant, set()).add(line.split)
    assert all(len(splits) == 1 for splits in people.values())
    assert sum(line.split == 'test' for line in timelines) == 60
    assert len({line.video_id for line in timelines}) == len(timelines)


def test_handlings_are_in_order_and_belong_to_a_moment_around_them(mixed):
    _, timelines = mixed
    for line in timelines[:10]:
        end = 0.0
        for segment, owner in zip(line.video.segments, line.owners, strict=True):
            assert end < segment.start < segment.stop
            end = segment.stop
            if owner >= 0:
                moment = line.moments[owner]
                assert moment.start <= segment.start < segment.stop <= moment.stop
            else:
                assert segment.verb == -1


def shares_shown(spec, timelines):
    """By kind of core: shares of handlings that show their class, by fifth of the moment."""
    cores, pairs = draw_cores(spec), class_pairs(spec)
    found = {}
    for line in timelines:
        for segment, owner in zip(line.video.segments, line.owners, strict=True):
            if owner < 0:
                continue
            moment = line.moments[owner]
            length = moment.stop - moment.start
            if length < 10:
                continue  # a handling is too long a part of it
            fifth = int(5 * ((segment.start + segment.stop) / 2 - moment.start) / length)
            right = bool(segment.shown) and (segment.verb, segment.noun) == pairs[moment.label]
            found.setdefault(cores[moment.label].kind, {}).setdefault(fifth, []).append(right)
    return {kind: [np.mean(rows[fifth]) for fifth in range(5)] for kind, rows in found.items()}


def test_the_class_is_seen_where_its_core_lies(mixed):
    shown = shares_shown(*mixed)
    assert np.argmax(shown['centre']) == 2
    assert np.argmax(shown['onset']) == 0
    assert max(shown['flat']) - min(shown['flat']) < 0.12
    assert min(shown['centre'][2], shown['onset'][0]) > 0.7
    assert max(shown['centre'][4], shown['onset'][4]) < 0.3


def test_handlings_near_the_ends_show_neighbours(mixed):
    spec, timelines = mixed
    pairs, wrong = class_pairs(spec), {True: [], False: []}
    for line in timelines:
        for segment, owner in zip(line.video.segments, line.owners, strict=True):
            if owner < 0 or not segment.shown:
                continue
            moment = line.moments[owner]
            where = (segment.start - moment.start) / (moment.stop - moment.start)
            near = not 0.12 <= where <= 0.88
            wrong[near].append((segment.verb, segment.noun) != pairs[moment.label])
    assert np.mean(wrong[True]) > 0.2
    assert np.mean(wrong[False]) < 0.03


def test_core_and_noise_change_no_moment():
    small = dict(train=2, val=1, test=1)
    plain = plan_timelines(TimelineSpec(**small))
    other = plan_timelines(TimelineSpec(**small, core='onset', boundary_noise=0.3))
    assert [line.moments for line in plain] == [line.moments for line in other]
    assert plain[0].video.segments != other[0].video.segments


def test_visibility_by_hand():
    core = Core('centre', 0.5, 0.1)
    assert core.visibility(0.4, 0.6) == pytest.approx(0.95)  # the peak lies within
    assert core.visibility(0.6, 0.7) == pytest.approx(0.1 + 0.85 * math.exp(-0.5))
    flat = Core('flat', 0.5, 0.2)
    assert flat.visibility(0, 0.1) == pytest.approx(0.1 + 0.85 * 0.2 * math.sqrt(2 * math.pi))


def test_class_names_are_sorted_as_in_a_submission():
    pairs = class_pairs(TimelineSpec())
    names = [class_name(pair) for pair in pairs]
    assert len(set(names)) == 12
    assert names == sorted(names)


def test_the_kitchen_keeps_its_look_and_takes_the_words():
    kitchen = TimelineSpec(seed=4).kitchen(KitchenSpec(palette=0.7))
    assert (kitchen.seed, kitchen.palette) == (4, 0.7)
    assert (kitchen.verbs, kitchen.nouns, kitchen.train_pairs) == (6, 4, 12)


@pytest.mark.parametrize(
    ('knob', 'words'),
    [
        (dict(core='middle'), r"core to be one of .*; got 'middle'"),
        (dict(boundary_noise=0.5), r'boundary_noise to be within 0..0.4; got 0.5'),
        (dict(fps=2), 'fps to be at least 5'),
        (dict(test=0), 'test to be at least 1; got 0'),
        (dict(classes=25), 'train_pairs to be'),
    ],
)
def test_a_spec_that_cannot_be_planned_is_refused(knob, words):
    with pytest.raises(ValueError, match=words):
        TimelineSpec(**knob)
