import json

import pytest

from egomm.datasets.narrations import narration_queries
from egomm.datasets.queries import read_queries


def clips(*uids, span=(100.0, 200.0)):
    about = dict(clip_uid='{}', video_start_sec=span[0], video_end_sec=span[1], annotations=[])
    return dict(
        videos=[
            dict(video_uid=uid, split='any', clips=[dict(about, clip_uid=f'clip_{uid}')])
            for uid in uids
        ]
    )


def told(*rows, name='narration_pass_1'):
    narrations = [dict(timestamp_sec=time, narration_text=text) for time, text in rows]
    return {'status': 'complete', name: dict(narrations=narrations, summaries=[])}


NOTHING = [clips('other')]
SPARSE = told((100, '#C C walks'), (106, '#O A man  waves'), (112, '#C C sits'))
DENSE = told((150, '#C C cuts'), (152, '#C C stirs'), name='narration_pass_2')


def windows(content):
    return {
        (clip['clip_uid'], annotation['annotation_uid']): [
            (query['query'], query['clip_start_sec'], query['clip_end_sec'])
            for query in annotation['language_queries']
        ]
        for video in content['videos']
        for clip in video['clips']
        for annotation in clip['annotations']
    }


def test_windows_are_longer_where_narrations_are_sparse():
    content, counts = narration_queries(
        dict(a=SPARSE, b=DENSE), [clips('a'), clips('b'), clips('a')], NOTHING
    )
    # Mean gaps 6 and 2 s, 4 s over both: windows of 1.5 and 0.5 s around the time in the clip.
    assert windows(content) == {
        ('clip_a', 'clip_a_narration_pass_1'): [
            ('C walks', -0.75, 0.75),
            ('A man waves', 5.25, 6.75),
            ('C sits', 11.25, 12.75),
        ],
        ('clip_b', 'clip_b_narration_pass_2'): [
            ('C cuts', 49.75, 50.25),
            ('C stirs', 51.75, 52.25),
        ],
    }
    assert counts == dict(
        **dict(held_out=0, unsure=0, lone=0, without_text=0), queries=5, clips=2, videos=2
    )


def test_what_lies_outside_the_clip_or_says_nothing_is_left_out():
    rows = [(90, '#C C runs'), (110, '#C C #Unsure'), (120, '#C .'), (130, '#C C eats')]
    lone = told((140, '#C C looks'), name='narration_pass_2')
    content, counts = narration_queries(
        {'videos': {'a': {**told(*rows), **lone}}}, [clips('a')], NOTHING
    )
    assert list(windows(content).values()) == [[('C eats', 29.5, 30.5)]]
    assert counts['unsure'] == counts['without_text'] == counts['lone'] == counts['queries'] == 1


def test_the_reader_of_queries_reads_it_and_cuts_windows_off(tmp_path):
    content, _ = narration_queries(dict(a=SPARSE, b=DENSE), [clips('a', 'b')], NOTHING)
    (tmp_path / 'nlq_narrations.json').write_text(json.dumps(content))
    records, counts = read_queries(tmp_path / 'nlq_narrations.json')
    assert counts == dict(outside=1, empty=0, no_text=0)
    assert {record['split'] for record in records} == {'train'}
    assert [record['gt']['query']['segments'].tolist() for record in records][0] == [[0, 0.75]]


def test_no_video_of_validation_or_test_is_taken(realdata):
    held_out = [
        json.loads((realdata / 'ego4d_nlq' / name).read_text())
        for name in ('nlq_val.json', 'nlq_test_unannotated.json')
    ]
    forbidden = {video['video_uid'] for content in held_out for video in content['videos']}
    assert len(forbidden) > 500
    everything = {uid: told((100, 'C a'), (101, 'C b')) for uid in (*forbidden, 'mine')}
    content, counts = narration_queries(everything, [clips('mine', *sorted(forbidden))], held_out)
    assert [video['video_uid'] for video in content['videos']] == ['mine']
    assert counts['held_out'] == len(forbidden)
    # All clips of validation as clips to train on, by mistake: nothing is left.
    with pytest.raises(ValueError, match='has narrations to learn from'):
        narration_queries(everything, held_out, held_out)


def test_another_file_is_refused():
    with pytest.raises(ValueError, match="the key 'videos' is expected"):
        narration_queries(dict(a=SPARSE), [dict(a=1)], NOTHING)
    with pytest.raises(ValueError, match='by the id of their video are expected; got list'):
        narration_queries([], [clips('a')], NOTHING)
    broken = told((1, 'x'))
    del broken['narration_pass_1']['narrations'][0]['narration_text']
    with pytest.raises(ValueError, match="video a: the key 'narration_text' is expected"):
        narration_queries(dict(a=broken), [clips('a')], NOTHING)
