"""Annotation files in which one value is another or gone: read, or one error that says so."""

import copy
import json
import random

import pytest

from egomm.datasets.moments import moment_classes, read_label_map, read_moments
from egomm.datasets.narrations import narration_queries
from egomm.datasets.queries import read_queries

VALUES = [None, 3, -1.5, 'x', '', [], [1], [None], {}, {'a': 1}, True, float('nan')]


def places(value, path=()):
    """Where there is a value, as the keys that lead to it."""
    yield path
    pairs = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        pairs = enumerate(value[:3])
    for key, child in pairs:
        yield from places(child, (*path, key))


def damaged(content, chance):
    content = copy.deepcopy(content)
    path = chance.choice([*places(content)])
    if not path:
        return chance.choice(VALUES)
    parent = content
    for key in path[:-1]:
        parent = parent[key]
    if isinstance(parent, dict) and chance.random() < 0.3:
        del parent[path[-1]]
    else:
        parent[path[-1]] = chance.choice(VALUES)
    return content


def converted(moments):
    return {
        clip['clip_uid']: dict(
            subset='train',
            video_id=video['video_uid'],
            parent_start_sec=0.0,
            duration=50.0,
            annotations=[dict(label='wash_cup', segment=[1, 2])],
        )
        for video in moments['videos']
        for clip in video['clips']
    }


@pytest.mark.parametrize('kind', ['moments', 'converted', 'classes', 'nlq', 'jsonl', 'narrations'])
def test_a_damaged_annotation_file_is_read_or_refused_with_words(feature_world, tmp_path, kind):
    folder = feature_world / 'annotations'
    classes = read_label_map(folder / 'moment_classes.txt')
    moments, nlq, narrations = (
        json.loads((folder / f'{name}.json').read_text())
        for name in ('moments_train', 'nlq_train', 'narration')
    )
    path = tmp_path / ('nlq.jsonl' if kind == 'jsonl' else 'file.json')
    line = dict(query='a b', query_id='a_0', duration=9.0, video_id='c', timestamps=[[1, 2]])
    content, read = {
        'moments': (moments, lambda: read_moments(path, classes)),
        'classes': (moments, lambda: moment_classes(path)),
        'converted': (converted(moments), lambda: read_moments(path, classes)),
        'nlq': (nlq, lambda: read_queries(path)),
        'jsonl': (line, lambda: read_queries(path)),
        'narrations': (
            narrations,
            lambda: narration_queries(json.loads(path.read_text()), [nlq], [dict(videos=[])]),
        ),
    }[kind]
    chance = random.Random(0)
    refused = 0
    for _ in range(150):
        path.write_text(json.dumps(damaged(content, chance)))
        try:
            read()
        except ValueError as error:
            assert len(str(error)) > 40  # noqa: PT017
            refused += 1
    assert 20 < refused < 150
