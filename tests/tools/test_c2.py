"""tools/score.py c2 and tools/submit.py c2 on files of found actions."""

import importlib.util
import json

import numpy as np
import pytest

from egomm.functional.segment_files import write_json

LEVELS = ['--sls-pt', '2', '--sls-tl', '3', '--sls-td', '3']


@pytest.fixture
def call(command_line, tmp_path, monkeypatch, capsys):
    """Calls a tool in a folder with the actions that two models found in two videos."""
    rows = [
        'narration_id,participant_id,video_id,start_timestamp,stop_timestamp,start_frame,'
        'stop_frame,verb_class,noun_class',
        'P01_101_0,P01,P01_101,00:00:01.00,00:00:02.00,50,100,3,12',
        'P02_110_0,P02,P02_110,00:00:05.00,00:00:09.00,250,450,3,7',
    ]
    (tmp_path / 'val.csv').write_text('\n'.join(rows))
    for name, score in (('a', 0.5), ('b', 0.25)):
        moments = [dict(label='3,12', score=score, segment=[1.0, 2.0])]
        write_json(tmp_path / f'{name}.json', {'results': {'P01_101': moments, 'P02_110': []}})
    monkeypatch.chdir(tmp_path)

    def run(tool, *arguments):
        spec = importlib.util.spec_from_file_location(tool, command_line.tools / f'{tool}.py')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.main(list(arguments))
        return capsys.readouterr().out

    return run


def test_actions_of_two_models_are_merged_and_submitted(call, tmp_path):
    videos = ('--timestamps', 'val.csv')
    output = call('submit', 'c2', 'a.json', 'b.json', '--out', 's.json', *videos, *LEVELS)
    assert 'action detection (C2), submission format 0.2; server: https://www.codabench' in output
    assert 'Wrote s.json: 2 videos, 2 actions of 2 file(s), sls_pt 2, sls_tl 3' in output
    first, second = json.loads((tmp_path / 's.json').read_text())['results']['P01_101']
    assert first == dict(verb=3, noun=12, action='3,12', score=0.5, segment=[1.0, 2.0])
    assert second['score'] == pytest.approx(0.25 * np.exp(-1 / 0.99))  # the same segment again
    assert 's.json is valid: 2 videos, sls_pt 2' in call(
        'submit', 'c2', '--check', 's.json', *videos
    )
    with pytest.raises(SystemExit):
        call('submit', 'c2', 'a.json', '--out', 't.json', *videos)


def test_actions_are_scored_as_verbs_nouns_and_actions(call):
    call('score', 'c2', 'a.json', '--annotations', 'val.csv', '--json', 's.json')
    with open('s.json') as file:
        report = json.load(file)
    assert report['protocol'] == 'epic100_c2'
    # One of the two instances of verb 3 is found, noun 12 and its action are, noun 7 is not.
    for task in ('verb', 'noun', 'action'):
        assert report['metrics'][f'{task}_average_mAP'] == 0.5
    write_json('a.json', {'results': {'P09_01': []}})
    with pytest.raises(ValueError, match='no labels for 1 of the 1 videos: P09_01. It has P01_101'):
        call('score', 'c2', 'a.json', '--annotations', 'val.csv')
    write_json('a.json', {'results': {'P01_101': [dict(label='walk', score=1, segment=[0, 1])]}})
    with pytest.raises(ValueError, match='such as "3,12"; got \'walk\''):
        call('score', 'c2', 'a.json', '--annotations', 'val.csv')


@pytest.mark.parametrize(
    'there, instead, words',
    [
        ('00:00:09.00', '00:00:04.00', "line 3, column 'stop_timestamp': expected is a time after"),
        (',3,7', ',97,7', "line 3, column 'verb_class': expected is a class within 0..96"),
        (',3,7', ',3,', 'P02_110_0 has not both a verb and a noun. Give the'),
    ],
)
def test_truth_that_nothing_could_match_is_refused(call, tmp_path, there, instead, words):
    path = tmp_path / 'val.csv'
    path.write_text(path.read_text().replace(there, instead))
    with pytest.raises(ValueError, match=words):
        call('score', 'c2', 'a.json', '--annotations', 'val.csv')
