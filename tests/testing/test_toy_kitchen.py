"""The whole world on disk: layout, annotations, truth, repetition."""

import ast
import csv
import dataclasses
import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from egomm.testing.annotations import COLUMNS, TEST_COLUMNS
from egomm.testing.spec import PRESETS, KitchenSpec
from egomm.testing.toy_kitchen import make_toy_kitchen, true_labels

TINY = KitchenSpec(
    width=48,
    height=32,
    train_videos=2,
    validation_videos=1,
    test_videos=1,
    videos_per_participant=2,
    clips_per_video=4,
    label_noise=0.3,
)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp('world')
    return root, make_toy_kitchen(root, TINY, processes=1)


def read(root, name):
    with (root / 'annotations' / f'EPIC_100_{name}.csv').open(newline='') as file:
        return list(csv.DictReader(file))


def fingerprints(root):
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob('*'))
        if path.is_file() and path.parent != root
    }


def test_every_official_file_is_there(world):
    root, made = world
    names = {path.name for path in (root / 'annotations').iterdir()}
    assert names == {
        f'EPIC_100_{part}.csv'
        for part in (
            'train',
            'validation',
            'test_timestamps',
            'verb_classes',
            'noun_classes',
            'tail_verbs',
            'tail_nouns',
            'unseen_participant_ids_validation',
            'unseen_participant_ids_test',
            'video_info',
        )
    }
    for info in read(root, 'video_info'):
        video = info['video_id']
        home = root / video[:3]
        images = len(list((home / 'rgb_frames' / video).iterdir()))
        stride = 2 if len(video) == 6 else 1
        assert images == round(float(info['duration']) * float(info['fps']))
        for axis in 'uv':
            flows = sorted((home / 'flow_frames' / video / axis).iterdir())
            assert len(flows) == (images - 1) // stride
            assert flows[0].name == 'frame_0000000001.jpg'
        assert (home / 'videos' / f'{video}.MP4').is_file()
        assert (home / 'audio' / f'{video}.wav').is_file()
    assert made['bytes'] == sum(
        p.stat().st_size for home in root.glob('P*') for p in home.rglob('*') if p.is_file()
    )


def test_rows_keep_the_official_columns_and_rules(world):
    root, made = world
    for split, columns in (
        ('train', COLUMNS),
        ('validation', COLUMNS),
        ('test_timestamps', TEST_COLUMNS),
    ):
        rows = read(root, split)
        assert tuple(rows[0]) == columns
        assert len(rows) == made['splits'][split.partition('_')[0]]['clips']
        for row in rows:
            fps = 60 if len(row['video_id']) == 6 else 50
            for edge in ('start', 'stop'):
                hours, minutes, seconds = row[f'{edge}_timestamp'].split(':')
                hundredths = (int(hours) * 60 + int(minutes)) * 6000 + int(seconds.replace('.', ''))
                assert int(row[f'{edge}_frame']) == max(1, hundredths * fps // 100)
            last = root / row['participant_id'] / 'rgb_frames' / row['video_id']
            assert (last / f'frame_{int(row["stop_frame"]):010d}.jpg').is_file()
            if split != 'test_timestamps':
                assert ast.literal_eval(row['all_nouns']) == [row['noun']]
                assert ast.literal_eval(row['all_noun_classes']) == [int(row['noun_class'])]


def test_validation_participants_are_all_unseen(world):
    root, _ = world
    unseen = {row['participant_id'] for row in read(root, 'unseen_participant_ids_validation')}
    assert unseen == {row['participant_id'] for row in read(root, 'validation')}
    assert not unseen & {row['participant_id'] for row in read(root, 'train')}


def test_class_tables_name_every_label(world):
    root, _ = world
    for task, count in (('verb', 12), ('noun', 16)):
        classes = read(root, f'{task}_classes')
        assert [int(row['id']) for row in classes] == list(range(count))
        for row in read(root, 'train'):
            known = classes[int(row[f'{task}_class'])]
            assert row[task] in ast.literal_eval(known['instances'])


def test_truth_holds_clean_labels_of_all_splits(world):
    root, _ = world
    labels = true_labels(root)
    assert len(labels) == 16
    written = {
        row['narration_id']: (int(row['verb_class']), int(row['noun_class']))
        for split in ('train', 'validation')
        for row in read(root, split)
    }
    assert any(labels[name] != pair for name, pair in written.items())  # label_noise
    assert all(
        labels[row['narration_id']] == written[row['narration_id']]
        for row in read(root, 'validation')
    )


def test_truth_timelines_have_no_holes_and_one_entry_per_image(world):
    root, _ = world
    for path in (root / 'truth' / 'videos').iterdir():
        record = json.loads(path.read_text())
        line = record['timeline']
        assert line[0]['start'] == 0
        assert all(a['stop'] == b['start'] for a, b in zip(line, line[1:], strict=False))
        assert line[-1]['stop'] == pytest.approx(record['frames'] / record['fps'], abs=1e-3)
        assert sum(entry['kind'] == 'action' for entry in line) == 4
        for name in ('left', 'right'):
            hand = record['hands'][name]
            points, visible = np.array(hand['xy']), np.array(hand['visible'])
            assert points.shape == (record['frames'], 2)
            inside = ((points >= 0) & (points <= [48, 32])).all(axis=1)
            assert (inside | ~visible).all()
        gaze = np.array(record['gaze']['xy'])
        assert gaze.shape == (record['frames'], 2)
        assert (gaze >= 0).all()
        assert (gaze <= [47, 31]).all()


def test_questions_are_answered_by_an_action_of_their_video(world):
    root, _ = world
    questions = json.loads((root / 'truth' / 'questions.json').read_text())
    assert {q['template'] for q in questions} >= {'when', 'after', 'before', 'use'}
    for question in questions:
        record = json.loads(
            (root / 'truth' / 'videos' / f'{question["video_id"]}.json').read_text()
        )
        spans = [
            (entry['start'], entry['stop'])
            for entry in record['timeline']
            if entry['kind'] == 'action'
        ]
        assert any(
            abs(question['start'] - a) < 0.002 and abs(question['stop'] - b) < 0.002
            for a, b in spans
        )
    asked = [(q['video_id'], q['question']) for q in questions]
    assert len(set(asked)) == len(asked)


def test_two_processes_write_the_same_bytes_as_one(world, tmp_path):
    make_toy_kitchen(tmp_path / 'again', TINY, processes=2)
    assert fingerprints(tmp_path / 'again') == fingerprints(world[0])


def test_a_complete_world_is_found_again(world):
    root, made = world
    stamp = (root / 'toy_kitchen.json').stat().st_mtime_ns
    assert make_toy_kitchen(root, TINY, processes=1) == {**made, 'reused': True}
    assert (root / 'toy_kitchen.json').stat().st_mtime_ns == stamp


def test_another_spec_in_the_same_folder_is_an_error(world):
    with pytest.raises(ValueError, match='seed is 0 there and 7 here.*Delete that folder'):
        make_toy_kitchen(world[0], dataclasses.replace(TINY, seed=7))


def test_foreign_files_are_left_alone(tmp_path):
    (tmp_path / 'thesis.txt').write_text('precious')
    with pytest.raises(ValueError, match='needs a new or empty folder'):
        make_toy_kitchen(tmp_path, TINY)
    assert (tmp_path / 'thesis.txt').read_text() == 'precious'


def test_an_interrupted_world_is_made_again(world, tmp_path):
    root = tmp_path / 'broken'

    def stop(done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_toy_kitchen(root, TINY, processes=1, progress=stop)
    assert not make_toy_kitchen(root, TINY, processes=1)['reused']
    assert fingerprints(root) == fingerprints(world[0])


def command():
    path = Path(__file__).parents[2] / 'tools' / 'make_toy_kitchen.py'
    found = importlib.util.spec_from_file_location('make_toy_kitchen_tool', path)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_command_line_reaches_every_knob():
    options, spec = command().parse_arguments(
        ['out', '--videos', '4', '--seed', '3', '--lag', '0', '0.5', '0', '--conflict', '1']
    )
    assert options.out == 'out'
    assert spec == dataclasses.replace(
        PRESETS['quick'].with_videos(4), seed=3, conflict=1.0, lag=(0, 0.5, 0)
    )
    assert command().parse_arguments(['out', '--preset', 'study'])[1] == PRESETS['study']


def test_command_prints_what_it_made(world, capsys, monkeypatch):
    tool = command()
    monkeypatch.setattr(
        tool,
        'parse_arguments',
        lambda arguments: (
            tool.argparse.Namespace(
                out=str(world[0]), processes=1, egtea=False, epic55=False, moments=None
            ),
            TINY,
        ),
    )
    tool.main()
    printed = capsys.readouterr().out
    assert 'found complete, 4 videos' in printed
    assert 'validation     4 clips in 1 videos, majority class: verb' in printed
