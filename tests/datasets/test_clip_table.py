"""One CSV of one's own: records by hand, and the words of what is wrong with it."""

import pytest

from egomm.registry import DATASETS


def build(folder, *rows, header='video,start,stop,verb,tool', **changes):
    (folder / 'clips.csv').write_text('\n'.join([header, *rows]) + '\n')
    (folder / 'verbs.txt').write_text('open\nclose\n\n')
    settings = dict(
        type='ClipTable',
        ann_file='clips.csv',
        data_root=str(folder),
        classes=dict(verb='verbs.txt', tool=3),
        fps=10,
        check_files=False,
    )
    return DATASETS.build({**settings, **changes})


def test_a_row_becomes_a_record(tmp_path):
    clips = build(tmp_path, 'monday,1.25,00:00:03.50,close,2', 'monday,4,4.01,open,')
    first, second = (clips.get_data_info(index) for index in range(2))
    expected = dict(
        narration_id='monday_1',
        participant_id='monday',
        video_id='monday',
        start_seconds=1.25,
        stop_seconds=3.5,
        start_frame=12,
        stop_frame=35,
        gt=dict(verb=1, tool=2),
        sources={},
    )
    assert {key: first[key] for key in expected} == expected
    assert second['gt'] == dict(verb=0)  # the empty cell
    assert (second['start_frame'], second['stop_frame']) == (40, 41)  # two frames at least
    assert clips.metainfo['classes'] == dict(verb=['open', 'close'])
    assert clips.metainfo['num_classes'] == dict(verb=2, tool=3)


def test_ids_and_participants_may_be_given_and_labels_left_out_in_tests(tmp_path):
    header = 'clip,participant,video,start,stop'
    clips = build(tmp_path, 'a,anna,monday,0,2', header=header, test_mode=True)
    record = clips.get_data_info(0)
    assert (record['narration_id'], record['participant_id']) == ('a', 'anna')
    assert record['gt'] == {}


@pytest.mark.parametrize(
    'rows, changes, message',
    [
        (['m,2,1,open,0'], {}, "line 2, column 'stop': a time after 2 is expected; got '1'"),
        (['m,0,1,shut,0'], {}, r"'verb': a name of its class file .*'open'.* got 'shut'"),
        (['m,0,1,open,3'], {}, r"'tool': a class within 0\.\.2 is expected; got '3'"),
        (['m,0,1,open,0', 'm,x,1,open,0'], {}, "line 3, column 'start': seconds from 0.*got 'x'"),
        (['m,0,1'], dict(header='video,start,stop'), "column 'verb', 'tool' is missing"),
        (
            ['a,m,0,1,open,0', 'a,m,1,2,open,0'],
            dict(header='clip,video,start,stop,verb,tool'),
            "two rows have 'a'. Rename one",
        ),
        (['m,0,1,open,0'], dict(fps=0), 'fps > 0'),
        (['m,0,1,open,0'], dict(classes=dict(verb='no.txt')), 'no file .*no.txt with the name'),
        (['m,0,1,open,0'], dict(ann_file='no.csv'), 'no.csv: no such annotation file'),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, rows, changes, message):
    with pytest.raises(ValueError, match=message):
        build(tmp_path, *rows, **changes)


def test_names_of_classes_occur_once(tmp_path):
    (tmp_path / 'names.txt').write_text('open\nopen\n')
    with pytest.raises(ValueError, match=r"names that occur once.*\['open'\] twice"):
        build(tmp_path, 'm,0,1,open,0', classes=dict(verb='names.txt'))
