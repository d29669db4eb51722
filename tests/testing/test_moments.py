"""The long videos in the official layout: read back by the readers of Ego4D, truth kept apart."""

import dataclasses
import json
import runpy
from pathlib import Path

import av
import numpy as np
import pytest

from egomm.datasets.moments import read_label_map, read_moments
from egomm.datasets.queries import read_queries
from egomm.testing.moments import (
    annotated_times,
    write_moment_annotations,
    write_moments,
    write_movie,
)
from egomm.testing.spec import PRESETS
from egomm.testing.timeline import (
    Moment,
    TimelineSpec,
    class_name,
    class_pairs,
    draw_cores,
    plan_timelines,
)

SPEC = TimelineSpec(train=4, val=1, test=2, core='mixed', boundary_noise=0.3)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    out = tmp_path_factory.mktemp('moments')
    timelines = plan_timelines(SPEC)
    write_moment_annotations(out, SPEC, timelines)
    return out, timelines


def read(path):
    return json.loads(path.read_text(encoding='utf-8'))


def test_the_official_readers_read_every_file(world):
    out, timelines = world
    classes = read_label_map(out / 'annotations/moment_classes.txt')
    assert classes == [class_name(pair) for pair in class_pairs(SPEC)]
    for name, split, count in (
        ('annotations/{}_train', 'train', 4),
        ('annotations/{}_val', 'val', 1),
        ('annotations/{}_test_unannotated', 'test', 2),
        ('truth/{}_test', 'test', 2),
    ):
        moments = read_moments(out / f'{name.format("moments")}.json', classes)
        assert len(moments.records) == count
        queries = read_queries(out / f'{name.format("nlq")}.json')
        assert {row['split'] for row in moments.records + queries.records} == {split}
        assert {row['clip_id'] for row in queries.records} <= {
            line.clip_id for line in timelines if line.split == split
        }
        hidden = 'unannotated' in name
        assert all((row['gt'] == {}) == hidden for row in queries.records)


def test_the_test_file_has_the_questions_and_no_answers(world):
    out, _ = world
    for video in read(out / 'annotations/nlq_test_unannotated.json')['videos']:
        for query in video['clips'][0]['annotations'][0]['language_queries']:
            assert set(query) == {'template', 'query', 'slot_x', 'verb_x', 'slot_y', 'verb_y'}
    queries = read_queries(out / 'annotations/nlq_test_unannotated.json').records
    answered = read_queries(out / 'truth/nlq_test.json').records
    assert [row['query'] for row in queries] == [row['query'] for row in answered]
    assert all(row['window'] is None for row in queries)


def test_two_annotators_of_training_err_each_for_himself_and_those_of_the_test_do_not(world):
    out, timelines = world
    clip = read(out / 'annotations/moments_train.json')['videos'][0]['clips'][0]
    one, other = (annotation['labels'] for annotation in clip['annotations'])
    assert [row['label'] for row in one] == [row['label'] for row in other]
    assert all(row['primary'] for row in one + other)
    off = []
    for mine, yours, true in zip(one, other, timelines[0].moments, strict=True):
        assert mine['start_time'] != yours['start_time']
        length = true.stop - true.start
        off.append(abs(mine['start_time'] + clip['video_start_sec'] - true.start) / length)
    assert 0.02 < np.mean(off) < 0.3
    last = read(out / 'truth/moments_test.json')['videos'][-1]['clips'][0]
    (only,) = last['annotations']
    for row, true in zip(only['labels'], timelines[-1].moments, strict=True):
        start = row['start_time'] + last['video_start_sec']
        assert start == pytest.approx(true.start, abs=2e-3)
        assert row['video_end_time'] == pytest.approx(true.stop, abs=2e-3)


def test_without_noise_annotators_repeat_each_other():
    spec = TimelineSpec(train=1, val=1, test=1)
    line = plan_timelines(spec)[0]
    assert annotated_times(spec, line, 0) == annotated_times(spec, line, 1)
    begin = line.clip[0]
    wanted = [Moment(a - begin, b - begin, label) for a, b, label in line.moments]
    np.testing.assert_allclose(annotated_times(spec, line, 0), wanted, atol=1e-3)


def test_truth_tells_cores_moments_and_what_handlings_show(world):
    out, timelines = world
    cores = read(out / 'truth/cores.json')
    assert list(cores) == [class_name(pair) for pair in class_pairs(SPEC)]
    assert [row['kind'] for row in cores.values()] == [row.kind for row in draw_cores(SPEC)]
    record = read(out / f'truth/timelines/{timelines[0].video_id}.json')
    assert len(record['moments']) == len(timelines[0].moments)
    shown = [row['shows'] for row in record['handlings'] if row['moment'] is not None]
    assert any(shown)
    assert not all(shown)
    about = read(out / 'annotations/ego4d.json')['videos']
    assert [row['video_uid'] for row in about] == [line.video_id for line in timelines]


def test_what_loaders_read_holds_no_truth(world):
    out, _ = world
    for path in (out / 'annotations').iterdir():
        text = path.read_text()
        assert not any(word in text for word in ('core', 'handlings', 'shows'))


@pytest.mark.parametrize('sound', [True, False])
def test_a_video_lasts_as_planned(tmp_path, sound):
    line = min(plan_timelines(SPEC), key=lambda line: line.video.duration)
    video = dataclasses.replace(line.video, duration=6.0, segments=line.video.segments[:3])
    line = dataclasses.replace(line, video=video)
    write_movie(tmp_path / 'a.mp4', SPEC.kitchen(PRESETS['quick']), line, sound)
    with av.open(str(tmp_path / 'a.mp4')) as file:
        assert bool(file.streams.audio) == sound
        assert file.streams.video[0].average_rate == 10
        assert sum(1 for _ in file.decode(video=0)) == 60


@pytest.mark.long
def test_the_command_writes_the_long_videos_beside_a_kitchen(tmp_path, monkeypatch):
    tool = Path(__file__).parents[2] / 'tools/make_toy_kitchen.py'
    options = ['--moments', '1', '1', '1', '--core', 'onset', '--boundary-noise', '0.1']
    monkeypatch.setattr('sys.argv', [str(tool), f'{tmp_path}/toy', '--videos', '3', *options])
    runpy.run_path(str(tool), run_name='__main__')
    assert {row['kind'] for row in read(tmp_path / 'toy/moments/truth/cores.json').values()} == {
        'onset'
    }
    assert len(list((tmp_path / 'toy/moments/videos').iterdir())) == 3


def test_an_interrupted_world_goes_on_and_another_one_starts_anew(tmp_path):
    spec = TimelineSpec(
        **dict(train=1, val=1, test=1, minutes=(0.05, 0.1), lengths=(1.0, 2.0)),
        questions=('when',),
    )
    look, done = PRESETS['quick'], []
    write_moments(tmp_path, spec, look, lambda *counts: done.append(counts), sound=False)
    videos = sorted((tmp_path / 'videos').iterdir())
    assert done == [(0, 3), (1, 3), (2, 3), (3, 3)]
    before = [path.stat().st_mtime_ns for path in videos]
    videos[1].unlink()
    done.clear()
    write_moments(tmp_path, spec, look, lambda *counts: done.append(counts), sound=False)
    assert done == [(2, 3), (3, 3)]
    after = [path.stat().st_mtime_ns for path in videos]
    assert (after[0], after[2]) == (before[0], before[2])
    asked = read(tmp_path / 'annotations/nlq_train.json')['videos'][0]['clips'][0]['annotations'][0]
    assert {query['template'] for query in asked['language_queries']} <= {'when'}
    done.clear()
    other = dataclasses.replace(spec, seed=5)
    write_moments(tmp_path, other, look, lambda *counts: done.append(counts), sound=False)
    assert done[0] == (0, 3)


def test_clips_and_moments_are_as_long_as_wanted():
    spec = TimelineSpec(train=30, val=1, test=1, minutes=(1.0, 2.0), lengths=(2.0, 20.0))
    timelines = plan_timelines(spec)
    assert all(60 <= line.clip[1] - line.clip[0] <= 120 for line in timelines)
    lengths = np.array([row.stop - row.start for line in timelines for row in line.moments])
    assert np.percentile(lengths, [5, 95]) == pytest.approx([2, 20], rel=0.3)
    with pytest.raises(ValueError, match='wants minutes to be shortest below longest; got'):
        TimelineSpec(minutes=(2.0, 1.0))
    with pytest.raises(ValueError, match="wants questions to be some of .* got \\('why',\\)"):
        TimelineSpec(questions=('why',))
