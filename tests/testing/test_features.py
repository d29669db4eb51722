import json

import numpy as np
import pytest
import torch

from egomm.datasets.epic_segments import EpicActionSegments, EpicSoundSegments
from egomm.datasets.localization import MomentQueries
from egomm.datasets.moments import read_label_map, read_moments
from egomm.datasets.queries import read_queries
from egomm.testing.features import CLASSES, SOURCES, VIDEO_LEAD, write_feature_world


def test_the_official_readers_read_it_without_a_complaint(feature_world):
    classes = read_label_map(feature_world / 'annotations/moment_classes.txt')
    assert classes == CLASSES
    for split in ('train', 'val'):
        moments = read_moments(feature_world / f'annotations/moments_{split}.json', classes)
        queries = read_queries(feature_world / f'annotations/nlq_{split}.json')
        assert not any(moments.counts.values())
        assert not any(queries.counts.values())
        assert len(moments.records) == 2
        assert {record['split'] for record in moments.records + queries.records} == {split}


def test_the_same_segments_stand_in_the_layouts_of_epic_kitchens(feature_world):
    sources = dict(ego=dict(path='features/ego'))
    shared = dict(
        durations='annotations/EPIC_100_video_info.csv',
        sources=sources,
        data_root=str(feature_world),
        length=64,
    )
    moments = MomentQueries(
        'annotations/moments_val.json',
        'annotations/moment_classes.txt',
        sources,
        str(feature_world),
        length=64,
    )
    for data in (
        EpicActionSegments('annotations/EPIC_100_validation.csv', **shared),
        EpicSoundSegments('annotations/EPIC_Sounds_validation.csv', **shared),
    ):
        for index in range(2):
            wanted = moments[index]['data_samples'].gt['moment']['segments']
            for target in data[index]['data_samples'].gt.values():
                torch.testing.assert_close(target['segments'], wanted, atol=0.02, rtol=0)


def test_a_question_has_one_answer_in_its_clip(feature_world):
    classes = read_label_map(feature_world / 'annotations/moment_classes.txt')
    moments = read_moments(feature_world / 'annotations/moments_train.json', classes).records
    rows = {record['clip_id']: record['annotations'] for record in moments}
    for record in read_queries(feature_world / 'annotations/nlq_train.json').records:
        _, _, _, verb, _, noun = record['query'].rstrip('?').split()
        named = [row for row in rows[record['clip_id']] if row['label'] == f'{verb}_{noun}']
        assert [[row['start_time'], row['end_time']] for row in named] == [record['window']]


def test_features_cover_clip_or_video_and_questions_have_vectors(feature_world):
    clip = json.loads((feature_world / 'annotations/moments_val.json').read_text())['videos'][0]
    times = clip['clips'][0]
    duration = times['video_end_sec'] - times['video_start_sec']
    for name, about in SOURCES.items():
        entry = times['clip_uid'] if about['per'] == 'clip' else clip['video_uid']
        lead = 0 if about['per'] == 'clip' else 2 * VIDEO_LEAD
        array = np.load(feature_world / f'features/{name}/{entry}.npy')
        assert array.shape[1] == about['dim']
        assert len(array) * 16 / 30 == pytest.approx(duration + lead, abs=2)
    assert np.load(feature_world / 'features/words/annotation_val_000_0.npy').shape == (6, 8)


def test_the_same_seed_writes_the_same_files(tmp_path):
    for name, seed in (('a', 1), ('b', 1), ('c', 2)):
        write_feature_world(tmp_path / name, train=1, val=1, seed=seed)
    files = [(tmp_path / name / 'features/ego/clip_train_000.npy').read_bytes() for name in 'abc']
    assert files[0] == files[1]
    assert files[0] != files[2]
