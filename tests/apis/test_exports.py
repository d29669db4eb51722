"""Results as files that other programs read."""

import csv
import io
import json

import pytest

from egomm.apis.exports import check_kind, export, write_whole

CLIP = dict(
    source='a.mp4',
    start=0.0,
    stop=2.5,
    tasks=dict(
        verb=[dict(label=3, name='open', score=0.5), dict(label=1, name='cut', score=0.25)],
        action=[dict(label=[3, 7], name='open door', score=0.4)],
        hands=dict(points=[]),
    ),
    notes=[],
)
MOMENTS = dict(
    source='b.mp4',
    moments=[
        dict(start=3661.5, stop=3662.25, label=0, name='wash', score=0.9),
        dict(start=1.0, stop=2.0, label=1, name='cut', score=0.8),
    ],
    notes=[],
)
ANSWERS = dict(
    source='b.mp4',
    query='Where is the cup, "mine"?',
    answers=[dict(start=1.0, stop=2.0, score=0.7), dict(start=3.0, stop=4.0, score=0.1)],
    notes=[],
)


def test_json_has_everything():
    assert json.loads(export([CLIP, MOMENTS], 'json')) == [CLIP, MOMENTS]


def test_csv_has_a_row_an_answer():
    rows = list(csv.DictReader(export([CLIP, MOMENTS, ANSWERS], 'csv').splitlines()))
    assert [(row['task'], row['rank'], row['label']) for row in rows] == [
        *[('verb', '1', '3'), ('verb', '2', '1'), ('action', '1', '3-7')],
        *[('moment', '1', '0'), ('moment', '2', '1'), ('answer', '1', ''), ('answer', '2', '')],
    ]
    assert rows[5]['query'] == 'Where is the cup, "mine"?'
    assert (rows[0]['start'], rows[0]['stop'], rows[0]['score']) == ('0.0', '2.5', '0.5')


def test_srt_shows_the_best_of_each_stretch_in_order_of_time():
    assert export([CLIP], 'srt') == '1\n00:00:00,000 --> 00:00:02,500\nopen door (0.40)\n'
    assert export([MOMENTS], 'srt') == (
        '1\n00:00:01,000 --> 00:00:02,000\ncut (0.80)\n\n'
        '2\n01:01:01,500 --> 01:01:02,250\nwash (0.90)\n'
    )
    assert export([ANSWERS], 'srt').endswith('Where is the cup, "mine"? (0.70)\n')


def test_windows_have_rows_of_their_own():
    windows = dict(source='c.mp4', windows=[CLIP, {**CLIP, 'start': 1.0}], notes=[])
    assert export([windows], 'srt').count('open door') == 2


def test_another_format_is_refused():
    with pytest.raises(ValueError, match="one of json, csv, srt, parquet; got 'xml'"):
        export([], 'xml')


def test_parquet_has_the_rows_of_csv(tmp_path):
    parquet = pytest.importorskip('pyarrow.parquet', reason='pyarrow absent: pip install pyarrow')
    write_whole(tmp_path / 'a.parquet', export([CLIP, MOMENTS, ANSWERS], 'parquet'))
    rows = parquet.read_table(tmp_path / 'a.parquet').to_pylist()
    told = list(csv.DictReader(export([CLIP, MOMENTS, ANSWERS], 'csv').splitlines()))
    assert [{key: '' if x is None else str(x) for key, x in row.items()} for row in rows] == told


def test_an_unknown_class_has_no_label_in_parquet():
    parquet = pytest.importorskip('pyarrow.parquet', reason='pyarrow absent: pip install pyarrow')
    unknown = dict(CLIP, tasks=dict(verb=[dict(label=None, name='unknown', score=0.1)]))
    (row,) = parquet.read_table(io.BytesIO(export([unknown], 'parquet'))).to_pylist()
    assert (row['label'], row['name']) == (None, 'unknown')


def test_a_name_that_is_no_text_can_be_written(tmp_path):
    write_whole(tmp_path / 'a.csv', export([dict(CLIP, source='bad\udcff.mp4')], 'csv'))
    assert (tmp_path / 'a.csv').read_text().count('bad?.mp4') == 3


def test_parquet_without_pyarrow_is_said(monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(ValueError, match='pyarrow, which is not installed. Take csv, or pip'):
        check_kind('parquet')


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    def full(number):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('os.fsync', full)
    with pytest.raises(ValueError, match=r'cannot be written \(No space left on device\)') as told:
        write_whole(tmp_path / 'a.json', '[]')
    assert '\n' not in str(told.value)
    assert not list(tmp_path.iterdir())


def test_heat_maps_stay_out_of_json():
    import numpy as np

    points = dict(points=[[[1.0, 2.0]]], heatmaps=np.zeros((1, 1, 2, 2), np.uint8))
    clip = dict(CLIP, tasks=dict(gaze=points))
    assert json.loads(export([clip], 'json'))[0]['tasks'] == dict(gaze=dict(points=[[[1.0, 2.0]]]))
