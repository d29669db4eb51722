import json

import pytest

from egomm.datasets.moments import moment_classes, read_label_map, read_moments
from egomm.datasets.windows import SegmentPolicy


def label(name, start, end, primary=True):
    return dict(label=name, start_time=start, end_time=end, primary=primary, video_start_time=0)


def official_file():
    """Two annotators of one clip, and a clip of the test split."""
    annotators = [
        dict(annotator_uid='x', labels=[label('walk', 0, 4), label('sit', 5, 5.5, primary=False)]),
        dict(annotator_uid='y', labels=[label('walk', 0.5, 21), label('dig', 3, 4)]),
    ]
    clip = dict(clip_uid='c', video_start_sec=100.0, video_end_sec=120.0, annotations=annotators)
    unlabelled = dict(clip_uid='t', video_start_sec=0.0, video_end_sec=8.0)
    return {
        'version': '1.0',
        'videos': [
            dict(video_uid='v', split='val', clips=[clip]),
            dict(video_uid='w', split='test', clips=[unlabelled]),
        ],
    }


def converted_file():
    rows = [('walk', 0, 4), ('walk', 0.5, 21), ('dig', 3, 4)]
    common = dict(video_id='v', parent_start_sec=100.0, parent_end_sec=120.0, fps=1.875)
    annotations = [dict(segment=[s, e], label=x, label_id=7) for x, s, e in rows]
    test = dict(video_id='w', parent_start_sec=0.0, duration=8.0, subset='test', annotations=[])
    return {
        'c': dict(common, clip_id='c', duration=20.0, subset='val', annotations=annotations),
        't': test,
    }


@pytest.fixture
def write(tmp_path):
    def write(content, name='moments.json'):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.mark.parametrize(
    'content', [official_file(), converted_file()], ids=['official', 'converted']
)
def test_both_layouts_give_the_same_records(write, content):
    path = write(content)
    classes = moment_classes(path)
    assert classes == ['dig', 'walk']
    records, counts = read_moments(path, classes)
    assert counts == {'outside': 1, 'empty': 0, 'repeated': 0}
    moments = records[0].pop('gt')['moment']
    assert moments['segments'].tolist() == [[0, 4], [0.5, 20], [3, 4]]
    assert moments['labels'].tolist() == [1, 1, 0]
    assert records == [
        {
            'clip_id': 'c',
            'video_id': 'v',
            'split': 'val',
            'video_start_seconds': 100,
            'duration': 20,
            'annotations': [
                {'label': 'walk', 'start_time': 0, 'end_time': 4},
                {'label': 'walk', 'start_time': 0.5, 'end_time': 21},
                {'label': 'dig', 'start_time': 3, 'end_time': 4},
            ],
        },
        {
            'clip_id': 't',
            'video_id': 'w',
            'split': 'test',
            'video_start_seconds': 0,
            'duration': 8,
            'annotations': None,
            'gt': {},
        },
    ]


def test_only_the_wanted_splits_are_read(write):
    path = write(official_file())
    assert [r['clip_id'] for r in read_moments(path, [], splits=['test']).records] == ['t']
    with pytest.raises(ValueError, match=r"nothing of the splits \['train'\].*'val': 1, 'test': 1"):
        read_moments(path, [], splits=['train'])
    with pytest.raises(ValueError, match=r"among \['train', 'val', 'test'\]; got 'tset'"):
        read_moments(path, [], splits=['val', 'tset'])


def test_the_policy_reaches_the_segments(write):
    policy = SegmentPolicy(outside='drop')
    records, _ = read_moments(write(official_file()), ['walk', 'dig'], policy=policy)
    assert records[0]['gt']['moment']['segments'].tolist() == [[0, 4], [3, 4]]
    assert len(records[0]['annotations']) == 3
    with pytest.raises(ValueError, match=r'moments\.json, clip c: \[0\.5, 21\] leaves the clip'):
        read_moments(
            write(official_file()), ['walk', 'dig'], policy=SegmentPolicy(outside='refuse')
        )
    with pytest.raises(ValueError, match="empty to be one of .*got 'keep'"):
        read_moments(write(official_file()), ['walk'], policy=SegmentPolicy(empty='keep'))


@pytest.mark.parametrize(
    'content, words',
    [
        ([1], "'videos' or one entry per clip is expected; got list"),
        ({'c': {'subset': 'val'}}, r"clip c: the key 'video_id' is expected; got \['subset'\]"),
        ({'videos': [{'clips': []}]}, "the key 'video_uid' is expected"),
        ({'version': '1'}, "clip version: the key 'video_id' is expected; got str"),
    ],
)
def test_another_file_is_refused(write, content, words):
    with pytest.raises(ValueError, match=words):
        read_moments(write(content), ['walk'])


def test_unknown_labels_and_repeated_clips_are_refused(write):
    with pytest.raises(ValueError, match="clip c: 'dig' is not among the 1 classes"):
        read_moments(write(official_file()), ['walk'])
    content = official_file()
    content['videos'].append(content['videos'][0])
    with pytest.raises(ValueError, match='clip c: occurs 2 times'):
        read_moments(write(content), ['walk', 'dig'])


def test_a_label_map_counts_up_from_0(write):
    assert read_label_map(write('000\ta b\n001\t"c"\n', 'map.txt')) == ['a b', '"c"']
    with pytest.raises(ValueError, match=r'map\.txt, line 2: 001, a tab and a name .*002'):
        read_label_map(write('000\ta\n002\tb\n', 'map.txt'))
    with pytest.raises(ValueError, match=r'none\.txt: no such class list'):
        read_label_map('none.txt')
    with pytest.raises(ValueError, match=r"map.txt, line 3: 'a' is also class 0"):
        read_label_map(write('000\ta\n001\tb\n002\ta\n', 'map.txt'))


def test_a_label_map_of_other_bytes_is_named(tmp_path):
    (tmp_path / 'map.txt').write_text('000\ta\n', encoding='utf-16')
    with pytest.raises(ValueError, match=r'map.txt: a class list in UTF-8 is expected, but'):
        read_label_map(tmp_path / 'map.txt')


@pytest.mark.parametrize(
    'split, clips, instances, repeated, videos',
    [('train', 1486, 13559, 14, 932), ('val', 521, 4296, 7, 325), ('test', 488, 0, 0, 315)],
)
def test_every_real_clip_is_read(realdata, split, clips, instances, repeated, videos):
    folder = realdata / 'ego4d_mq'
    classes = read_label_map(folder / 'ego4d_label_map.txt')
    path = folder / 'ego4d_mq_v1_clip_annotations.json'
    records, counts = read_moments(path, classes, [split])
    assert len(records) == clips
    assert len({record['video_id'] for record in records}) == videos
    assert sum(len(record['annotations'] or ()) for record in records) == instances
    assert counts['repeated'] == repeated
    for record in records if instances else ():
        segments, labels = record['gt']['moment'].values()
        assert ((0 <= segments[:, 0]) & (segments[:, 0] < segments[:, 1])).all()
        assert (segments[:, 1] <= record['duration']).all()
        assert [classes[number] for number in labels]
    if instances:
        assert {row['label'] for record in records for row in record['annotations']} == set(classes)
        learnt = sum(len(record['gt']['moment']['labels']) for record in records)
        assert learnt == instances - repeated - counts['empty']


def test_the_real_label_map_is_the_sorted_list_of_names(realdata):
    folder = realdata / 'ego4d_mq'
    classes = read_label_map(folder / 'ego4d_label_map.txt')
    assert len(classes) == 110
    assert classes == moment_classes(folder / 'ego4d_mq_v1_clip_annotations.json')
