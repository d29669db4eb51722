"""Tokens of clips that were drawn without any media in between."""

import dataclasses

import numpy as np
import pytest

from egomm.datasets.cached import CachedTokens
from egomm.structures import EgoSample
from egomm.testing.drawing import Artist
from egomm.testing.mimo_clips import (
    DrawnImages,
    KitchenFlow,
    KitchenSound,
    pack_video,
    write_clip_tokens,
)
from egomm.testing.motion import track_video
from egomm.testing.plan import plan_world
from egomm.testing.sound import RATE, synthesize
from egomm.testing.spec import MODALITIES, PRESETS

SPEC = dataclasses.replace(PRESETS['quick'].with_videos(3), clips_per_video=4)
VIDEO = plan_world(SPEC)[0]


def shown(spec):
    """Evidence that the labels of all clips come with, and the records the pipeline was given."""
    records = []

    def pipeline(record):
        records.append(record)
        return {'data_samples': EgoSample()}

    items = [item for video in plan_world(spec) for item in pack_video(spec, video, pipeline)]
    return [set(item['data_samples'].metainfo['shown']) for item in items], records


def test_images_are_those_that_a_world_writes_in_any_order():
    artist = Artist(SPEC, VIDEO, track_video(SPEC, VIDEO))
    written = [image for _, image in zip(range(9), artist.frames())]
    images = DrawnImages(SPEC, VIDEO)
    assert len(images) == VIDEO.frames
    order = np.array([7, 2, 3, 8, 2])
    np.testing.assert_array_equal(images[order], np.stack([written[i] for i in order]))
    last = images[np.array([VIDEO.frames - 1, VIDEO.frames + 5])]
    np.testing.assert_array_equal(last[0], last[1])


def test_flow_shows_the_motion_of_a_world():
    first, second = DrawnImages(SPEC, VIDEO)[np.array([0, VIDEO.flow_stride])]
    engine = KitchenFlow(SPEC, VIDEO.flow_stride)
    flow = engine(first, second)
    assert flow.shape == (*first.shape[:2], 2)
    assert flow.dtype == np.uint8
    assert (engine(first, first) == 128).all()  # nothing moves
    moved = engine(first, np.roll(first, 2, axis=1))
    expected = 128 + 2 * 127 / SPEC.flow_bound
    assert np.median(moved[:, 8:-8, 0]) == pytest.approx(expected, abs=0.5 * 127 / SPEC.flow_bound)


def test_sound_is_silent_where_the_video_is_not():
    wave = synthesize(SPEC, VIDEO).astype(np.float32) / 32_768
    sound = KitchenSound(SPEC, VIDEO)
    before, start, stop = sound.read(-100, 300, RATE)
    assert (start, stop) == (100, 300)
    assert not before[:100].any()
    np.testing.assert_array_equal(before[100:], wave[:200])
    after, start, stop = sound.read(len(wave) - 50, 80, RATE)
    assert (start, stop) == (0, 50)
    assert not after[50:].any()


def test_conflict_and_balance_decide_what_clips_show():
    spec = dataclasses.replace(SPEC, train_videos=24, conflict=0.0)
    loose, records = shown(spec)
    held, _ = shown(dataclasses.replace(spec, conflict=1.0))
    assert not any('verb/state' in clip for clip in loose)
    on_object = sum('verb/state' in clip for clip in held)
    elsewhere = sum(bool(clip & {'verb/flow', 'verb/audio'}) for clip in held)
    assert on_object > 0.3 * len(held)
    assert elsewhere == 0
    even, _ = shown(dataclasses.replace(spec, balance=1.0))

    def spread(clips):
        counts = [sum(f'noun/{name}' in clip for clip in clips) for name in MODALITIES]
        return (max(counts) - min(counts)) / len(clips)

    assert spread(even) < 0.12 < 0.3 < spread(loose)
    people = {}
    for record in records:
        people.setdefault(record['video_id'], record['participant_id'])
    splits = {video.video_id: video.split for video in plan_world(spec)}
    groups = [
        {people[name] for name, split in splits.items() if split == kind}
        for kind in ('train', 'validation', 'test')
    ]
    assert all(groups)
    assert not groups[0] & groups[1] | groups[0] & groups[2] | groups[1] & groups[2]


def test_tokens_are_read_again_and_an_interruption_changes_nothing(encoders, tmp_path):
    told = []
    write_clip_tokens(SPEC, encoders, tmp_path / 'whole', told.append)
    assert [line.partition(' in ')[0] for line in told] == [
        f'{split}: 4 clips' for split in ('train', 'val', 'test')
    ]
    data = CachedTokens(str(tmp_path / 'whole/train'))
    shapes = {name: tuple(x.shape) for name, x in data[1]['inputs'].items()}
    assert shapes == dict.fromkeys(MODALITIES, (96, 2, 4, 4))
    sample = data[1]['data_samples']
    assert (sample.gt['verb'], sample.gt['noun']) == VIDEO.actions[1].annotated
    assert sample.metainfo['shown'] == sorted(VIDEO.actions[1].shown)
    write_clip_tokens(SPEC, encoders, tmp_path / 'cut', told.append)
    clips = tmp_path / 'cut/train/clips.jsonl'
    lines = clips.read_text().splitlines(keepends=True)
    clips.write_text(''.join(lines[:2]))
    write_clip_tokens(SPEC, encoders, tmp_path / 'cut', told.append)
    for name in ('clips.jsonl', *(f'{name}.npy' for name in MODALITIES)):
        whole, cut = (tmp_path / folder / 'train' / name for folder in ('whole', 'cut'))
        assert whole.read_bytes() == cut.read_bytes()
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.*')}
    write_clip_tokens(SPEC, encoders, tmp_path / 'cut', told.append)
    assert times == {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.*')}
