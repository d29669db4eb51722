import json

import pytest

from egomm.datasets.queries import read_queries
from egomm.datasets.windows import SegmentPolicy


def query(text, *window):
    return dict(zip(('clip_start_sec', 'clip_end_sec'), window), query=text, template='?')


def official_file(split='val'):
    queries = [query('Where?', 3, 5), query(None, 1, 2), query('Who?', 18, 21), query('', 1, 2)]
    annotation = dict(annotation_uid='a_b', language_queries=queries)
    clip = dict(clip_uid='c', video_start_sec=100.0, video_end_sec=120.0, annotations=[annotation])
    return {'videos': [dict(video_uid='v', split=split, clips=[clip])]}


def line(index, text, *windows):
    row = dict(query=text, query_id=f'a_b_{index}', duration=20.0, video_id='c', query_type='nlq')
    return json.dumps(dict(row, timestamps=list(windows)) if windows else row)


@pytest.fixture
def write(tmp_path):
    def write(content, name='nlq.json'):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_both_layouts_give_the_same_records(write):
    official = write(official_file())
    lines = write('\n'.join([line(0, 'Where?', [3, 5]), line(2, 'Who?', [18, 21])]), 'nlq.jsonl')
    for path, split, no_text in ((official, 'val', 2), (lines, None, 0)):
        records, counts = read_queries(path)
        assert counts == {'outside': 1, 'empty': 0, 'no_text': no_text}
        learnt = [record.pop('gt')['query']['segments'].tolist() for record in records]
        assert learnt == [[[3, 5]], [[18, 20]]]
        common = dict(clip_id='c', annotation_id='a_b', split=split, duration=20)
        known = ('v', 100.0) if split else (None, None)  # lines do not tell where a clip lies
        common.update(zip(('video_id', 'video_start_seconds'), known))
        assert records == [
            dict(common, query_index=0, query='Where?', window=[3, 5]),
            dict(common, query_index=2, query='Who?', window=[18, 21]),
        ]


def test_queries_of_the_test_split_have_no_window(write):
    content = official_file('test')
    for entry in content['videos'][0]['clips'][0]['annotations'][0]['language_queries']:
        del entry['clip_start_sec'], entry['clip_end_sec']
    for path in (write(content), write(line(0, 'Where?'), 'nlq.jsonl')):
        record = read_queries(path).records[0]
        assert record['window'] is None
        assert record['gt'] == {}


def test_a_query_without_a_window_to_learn_stays_for_the_scores(write):
    content = official_file()
    content['videos'][0]['clips'][0]['annotations'][0]['language_queries'][0] = query('x', 3, 3)
    records, counts = read_queries(write(content))
    assert [record['query_index'] for record in records] == [0, 2]
    assert records[0]['window'] == [3, 3]
    assert records[0]['gt']['query']['segments'].shape == (0, 2)
    assert counts['empty'] == 1
    with pytest.raises(ValueError, match=r'nlq\.json, query a_b_0: \[3, 3\] has no length'):
        read_queries(write(content), policy=SegmentPolicy(empty='refuse'))


def test_only_the_wanted_splits_are_read(write):
    assert len(read_queries(write(official_file()), ['val']).records) == 2
    with pytest.raises(ValueError, match=r"nothing of the splits \['train'\].*\{'val': 4\}"):
        read_queries(write(official_file()), ['train'])
    with pytest.raises(ValueError, match='do not tell their split'):
        read_queries(write(line(0, 'Where?'), 'nlq.jsonl'), ['val'])


@pytest.mark.parametrize(
    'content, name, words',
    [
        ({'a': 1}, 'nlq.json', r"the key 'videos' is expected; got \['a'\]"),
        ('{"query": "x"}', 'nlq.jsonl', "the key 'query_id' is expected"),
        (line('x', 'Where?'), 'nlq.jsonl', "<annotation_uid>_<index> is expected; got 'a_b_x'"),
        (line(0, 'Where?', [1, 2], [3, 4]), 'nlq.jsonl', 'one window is expected; got 2'),
        (line(0, 'A?') + '\n' + line(0, 'B?'), 'nlq.jsonl', 'query a_b_0: occurs twice in clip c'),
    ],
)
def test_another_file_is_refused(write, content, name, words):
    with pytest.raises(ValueError, match=words):
        read_queries(write(content, name))


@pytest.mark.parametrize(
    'name, queries, clips, outside, no_text',
    [
        ('nlq_val.json', 4552, 415, 87, 2),
        ('nlq_test_unannotated.json', 4004, 333, 0, 1),
        ('ego4d_nlq_train_v2.jsonl', 13847, 1270, 249, 0),
        ('ego4d_nlq_val_v2.jsonl', 4552, 415, 87, 0),
        ('ego4d_nlq_test_v2.jsonl', 4004, 333, 0, 0),
    ],
)
def test_every_real_query_is_read(realdata, name, queries, clips, outside, no_text):
    records, counts = read_queries(realdata / 'ego4d_nlq' / name)
    assert len(records) == queries
    assert len({record['clip_id'] for record in records}) == clips
    assert counts == {'outside': outside, 'empty': 0, 'no_text': no_text}
    for record in records:
        if 'test' in name:
            assert record['gt'] == {}
            continue
        ((start, end),) = record['gt']['query']['segments']
        assert 0 <= start < end <= record['duration']


@pytest.mark.parametrize(
    'names',
    [
        ('nlq_val.json', 'ego4d_nlq_val_v2.jsonl'),
        ('nlq_test_unannotated.json', 'ego4d_nlq_test_v2.jsonl'),
    ],
)
def test_real_queries_are_numbered_alike_in_both_layouts(realdata, names):
    first, second = (
        {
            (r['clip_id'], r['annotation_id'], r['query_index']): (r['query'], r['window'])
            for r in read_queries(realdata / 'ego4d_nlq' / name).records
        }
        for name in names
    )
    assert first == second
