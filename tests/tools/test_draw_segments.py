"""tools/draw_segments.py on generated annotations."""

import importlib.util
import json
from pathlib import Path

import pytest
import torch

from egomm.datasets.moments import read_label_map, read_moments
from egomm.datasets.queries import read_queries
from egomm.functional.segment_files import write_json


@pytest.fixture
def draw(command_line, tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location('it', command_line.tools / 'draw_segments.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        tool.main([*map(str, arguments), '--out', 'out'])
        return sorted(path.name for path in (tmp_path / 'out').iterdir())

    return call


def test_pictures_of_moments(draw, feature_world):
    labels = feature_world / 'annotations' / 'moment_classes.txt'
    names = read_label_map(labels)
    file = feature_world / 'annotations' / 'moments_val.json'
    records = read_moments(file, names).records
    found = dict(label=names[0], score=0.5, segment=[0, 4])
    write_json('found.json', {'results': {row['clip_id']: [found] for row in records}})
    gaussians = dict(centres=torch.zeros(3, 12), raw_widths=torch.zeros(3, 12))
    prefix = 'heads.moment.criterion.sensitivity.'
    torch.save({prefix + name: value for name, value in gaussians.items()}, 'model.pth')
    common = ('mq', 'found.json', '--annotations', file)
    more = ('--checkpoint', 'model.pth', '--classes', labels)
    assert draw(*common) == ['classes.png', 'lengths.png', 'timelines.png']
    assert 'sensitivity.png' in draw(*common, *more)
    torch.save({'neck.weight': torch.zeros(1)}, 'other.pth')
    with pytest.raises(ValueError, match='other.pth is to hold the Gaussians of one model; got 0'):
        draw(*common, '--checkpoint', 'other.pth')
    write_json('found.json', {'results': {'elsewhere': [found]}})
    with pytest.raises(
        ValueError, match=r'no labels for 1 of the 1 clips: elsewhere\. It has clip_val_000'
    ):
        draw(*common)


def test_pictures_of_queries(draw, feature_world):
    file = feature_world / 'annotations' / 'nlq_val.json'
    answers = [
        dict(
            clip_uid=row['clip_id'],
            annotation_uid=row['annotation_id'],
            query_idx=row['query_index'],
            predicted_times=[[0, 4], [5, 9]],
        )
        for row in read_queries(file).records
    ]
    write_json('found.json', {'results': answers[1:]})
    assert draw('nlq', 'found.json', '--annotations', file) == ['lengths.png', 'timelines.png']
    write_json('found.json', {'results': [dict(answers[0], query_idx=99)]})
    with pytest.raises(ValueError, match=r'1 of the 1 queries: .*, 99\)\. It has .*, 0\)'):
        draw('nlq', 'found.json', '--annotations', file)
    content = json.loads(file.read_text())
    del content['videos'][0]['clips'][0]['annotations'][0]['language_queries'][0]['clip_end_sec']
    Path('test.json').write_text(json.dumps(content))
    with pytest.raises(ValueError, match='test.json has queries without a window to draw'):
        draw('nlq', 'found.json', '--annotations', 'test.json')
