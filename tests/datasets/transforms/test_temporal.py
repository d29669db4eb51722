"""Which instants a clip is looked at."""

import numpy as np
import pytest

from egomm.datasets.transforms import SampleBlocks, SampleSegments, SampleWindow


def test_centres_by_hand(results):
    # 61 frames, 8 segments: the offsets of Omnivore as worked out in the golden file.
    out = SampleSegments(8, 'centre')(results())
    assert out['offsets'].tolist() == [4, 11, 18, 26, 34, 41, 48, 56]
    assert out['frame_indices'].tolist() == [64, 71, 78, 86, 94, 101, 108, 116]
    np.testing.assert_allclose(out['times'], 1 + (out['offsets'] + 0.5) / 61)


def test_random_instants_stay_in_order_and_inside(results):
    seen = set()
    for seed in range(50):
        out = SampleSegments(4)(results(rng=np.random.default_rng(seed)))
        seen.add(tuple(out['offsets']))
        assert (np.diff(out['times']) >= 0).all()
        assert 1.0 < out['times'][0]
        assert out['times'][-1] < 2.0
        for quarter, offset in enumerate(out['offsets']):
            assert int(15.25 * quarter) <= offset < 15.25 * (quarter + 1)
    assert len(seen) > 40


def test_clip_shorter_than_the_number_of_instants_repeats_frames(results):
    out = SampleSegments(8, 'centre')(results(start_frame=60, stop_frame=62))
    assert set(out['frame_indices']) <= {60, 61, 62}
    assert len(out['times']) == 8


def test_views_interleave_and_the_middle_one_is_the_plain_one(results):
    plain = SampleSegments(8, 'centre')(results())
    out = SampleSegments(8, 'centre', views=3)(results())
    assert out['temporal_views'] == 3
    assert len(out['times']) == 24
    assert (np.diff(out['offsets']) >= 0).all()
    for key in ('offsets', 'frame_indices', 'times'):
        np.testing.assert_array_equal(out[key][1::3], plain[key])
    # Borders of the 8 segments of 61 frames: 0 8 15 22 30 38 45 52 60; a sixth and five sixths.
    assert out['offsets'][0::3].tolist() == [1, 9, 16, 23, 31, 39, 46, 53]
    assert out['offsets'][2::3].tolist() == [6, 13, 20, 28, 36, 43, 50, 58]


def test_views_of_a_clip_shorter_than_they_are_many_stay_inside(results):
    out = SampleSegments(8, 'centre', views=3)(results(start_frame=60, stop_frame=62))
    assert set(out['frame_indices']) <= {60, 61, 62}


@pytest.mark.parametrize('arguments', [dict(mode='centre', views=0), dict(views=2)])
def test_views_that_are_none_or_random_are_refused(arguments):
    with pytest.raises(ValueError, match="views >= 1, and mode='centre' for more.*got"):
        SampleSegments(**arguments)


@pytest.mark.parametrize('arguments', [(0, 'random'), (8, 'uniform')])
def test_other_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="mode 'random' or 'centre'; got"):
        SampleSegments(*arguments)


def test_middle_window_by_hand(results):
    # 61 frames: 16 steps from 30 - 16 to 30 + 16.
    out = SampleWindow(mode='middle')(results())
    assert out['offsets'].tolist() == [
        *(14, 16, 18, 20, 22, 24, 26, 28),
        *(31, 33, 35, 37, 39, 41, 43, 46),
    ]
    assert out['frame_indices'][0] == 74
    np.testing.assert_allclose(out['times'], 1 + (out['offsets'] + 0.5) / 61)


def test_random_window_follows_its_generator(results):
    one, other, third = (
        SampleWindow()(results(rng=np.random.default_rng(seed)))['offsets'] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, other)
    assert one.tolist() != third.tolist()


def test_sequential_window_is_one_of_those_that_follow_one_another(results):
    seen = {
        tuple(SampleWindow(4, 'sequential')(results(rng=np.random.default_rng(seed)))['offsets'])
        for seed in range(60)
    }
    assert seen == {(s, s + 2, s + 4, s + 6) for s in range(0, 55, 7)}
    short = SampleWindow(16, 'sequential')(results(start_frame=60, stop_frame=80))['offsets']
    assert len(short) == 16
    assert len(set(short)) == 1


def test_blocks_show_each_frame_twice_and_the_last_ones_again(results):
    sample = SampleBlocks(num_frames=8)
    assert sample.count_blocks(6) == 2
    first, last = (sample(results(start_frame=60, stop_frame=65, block=block)) for block in (0, 1))
    assert first['frame_indices'].tolist() == [60, 60, 61, 61, 62, 62, 63, 63]
    assert last['frame_indices'].tolist() == [62, 62, 63, 63, 64, 64, 65, 65]
    assert first['counted'].tolist() == [True, True, True, True]
    assert last['counted'].tolist() == [False, False, True, True]
    assert len(last['times']) == 8


def test_a_block_of_half_a_step_is_refused():
    with pytest.raises(ValueError, match='a multiple of 4 frames a window.*got 6'):
        SampleBlocks(num_frames=6, every=4)


def test_other_modes_and_sizes_are_refused():
    with pytest.raises(ValueError, match=r"mode out of .*'middle'.*got 'first', 16, 2 and 32"):
        SampleWindow(mode='first')
    with pytest.raises(ValueError, match="got 'random', 16, 0 and 32"):
        SampleWindow(interval=0)
