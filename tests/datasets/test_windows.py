from collections import Counter

import numpy as np
import pytest

from egomm.datasets.windows import (
    NUMBER,
    SegmentPolicy,
    clip_seconds,
    entries,
    field,
    fit_segments,
    read_json,
    times,
)


def fit(rows, duration=10.0, **policy):
    counts = Counter()
    segments, labels = fit_segments(rows, duration, SegmentPolicy(**policy), counts, 'file, clip c')
    assert segments.dtype == np.float64
    assert labels.dtype == np.int64
    return [(*row, label) for row, label in zip(segments.tolist(), labels.tolist())], dict(counts)


def test_segments_that_fit_stay_as_they_are():
    rows = [(0, 10, 1), (2.5, 3, 0), (2.5, 3, 1)]
    assert fit(rows) == (rows, {})
    assert fit([]) == ([], {})


def test_what_leaves_the_clip_is_cut_off():
    rows = [(-1, 4, 0), (8, 12, 0), (11, 12, 0)]
    assert fit(rows) == ([(0, 4, 0), (8, 10, 0)], {'outside': 3, 'empty': 1})


def test_what_leaves_the_clip_is_dropped_on_demand():
    assert fit([(8, 12, 0), (8, 9, 0)], outside='drop') == ([(8, 9, 0)], {'outside': 1})


def test_repeats_are_told_by_the_file_and_not_by_what_is_left_of_them():
    rows = [(8, 12, 0), (8, 12.0009, 0), (8, 13, 0), (8, 12, 1)]
    kept = [(8, 10, 0), (8, 10, 0), (8, 10, 1)]
    assert fit(rows) == (kept, {'outside': 3, 'repeated': 1})
    assert fit(rows, repeated='keep') == ([(8, 10, 0), *kept], {'outside': 4, 'repeated': 1})


@pytest.mark.parametrize(
    'rows, policy, words',
    [
        ([(8, 12, 0)], 'outside', r'clip c: \[8, 12\] leaves the clip of 10\.0 s\. .*\'clip\''),
        ([(8, 8, 0)], 'empty', r"\[8, 8\] has no length within the clip\. .*empty='drop'"),
        ([(1, 2, 0), (1, 2, 0)], 'repeated', r"\[1, 2\] repeats one .*repeated='keep'"),
    ],
)
def test_a_policy_may_refuse(rows, policy, words):
    with pytest.raises(ValueError, match=words):
        fit(rows, **{policy: 'refuse'})


@pytest.mark.parametrize(
    'row', [(5, 4, 0), (float('nan'), 4, 0), (0, None, 0), ('0', '1', 0), (0, 10**400, 0)]
)
def test_what_is_no_segment_is_always_refused(row):
    with pytest.raises(ValueError, match='seconds of its start and of an end not before it; got'):
        fit([row])


def test_a_policy_knows_its_words():
    with pytest.raises(ValueError, match=r"outside to be one of \('clip', .*got 'keep'"):
        SegmentPolicy(outside='keep').check()


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(ValueError, match=r'none\.json: no such annotation file'):
        read_json(tmp_path / 'none.json')
    (tmp_path / 'a.json').write_text('{"a": ')
    with pytest.raises(ValueError, match=r'a\.json: JSON is expected'):
        read_json(tmp_path / 'a.json')
    (tmp_path / 'a.jsonl').write_text('{"a": 1}\n\n{"a": \n')
    with pytest.raises(ValueError, match=r'a\.jsonl, line 3: JSON is expected'):
        read_json(tmp_path / 'a.jsonl')
    for text in ('[' * 100_000, '1' * 5000):  # Python: a RecursionError, a limit of digits
        (tmp_path / 'a.json').write_text(text)
        with pytest.raises(ValueError, match=r'a\.json: JSON is expected'):
            read_json(tmp_path / 'a.json')


def test_a_key_that_an_object_has_twice_is_refused(tmp_path):
    row = '{"label": "wash_cup", "segment": [1, 2], "label": "open_door"}'
    for name, place in (('a.json', r'a\.json'), ('a.jsonl', r'a\.jsonl, line 1')):
        (tmp_path / name).write_text(row)
        with pytest.raises(ValueError, match=f"{place}: JSON is .*, but 'label' occurs more than"):
            read_json(tmp_path / name)


def test_fields_and_lists_say_what_they_want():
    assert entries({'a': None}, 'a', 'file') == entries({}, 'a', 'file') == []
    assert times([1, 'x'], 'file') == (1, 'x')
    assert field({'a': 2}, 'a', 'file', NUMBER) == 2
    with pytest.raises(ValueError, match="file: 'a' wants a number; got str. Correct the"):
        field({'a': 'x'}, 'a', 'file', NUMBER)
    for value, got in (
        (float('nan'), 'nan'),
        (float('inf'), 'inf'),
        (10**400, '1000'),
        (True, 'True'),
    ):
        with pytest.raises(ValueError, match=f"file: 'a' wants a number; got {got}"):
            field({'a': value}, 'a', 'file', NUMBER)
    with pytest.raises(ValueError, match="file: 'a' wants a text or null; got list"):
        field({'a': []}, 'a', 'file', (str, type(None)))
    with pytest.raises(ValueError, match="the key 'a' is expected; got int"):
        entries(3, 'a', 'file')
    with pytest.raises(ValueError, match=r'file: \[start, end\] is expected; got \[1\]'):
        times([1], 'file')


@pytest.mark.parametrize('seconds', [0, -1, float('nan'), '3', 10**400, True])
def test_a_clip_has_a_duration(seconds):
    with pytest.raises(ValueError, match='file: a clip wants a duration above 0 s; got'):
        clip_seconds(seconds, 'file')


def test_a_file_of_other_bytes_is_named(tmp_path):
    (tmp_path / 'a.json').write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ValueError, match=r'a\.json: JSON in UTF-8 is expected'):
        read_json(tmp_path / 'a.json')
