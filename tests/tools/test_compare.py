"""tools/analysis/compare.py on files of scores, moments and answers, read by eye."""

import importlib.util
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('compare', ROOT / 'tools/analysis/compare.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scores(path, answers):
    """A file of scores: by clip the verb and the noun that come first."""
    rows = [
        dict(narration_id=name, verb_output=np.eye(3)[verb], noun_output=np.eye(3)[noun])
        for name, (verb, noun) in answers.items()
    ]
    path.write_bytes(pickle.dumps(rows))
    return str(path)


def test_an_interval_wants_draws(tool, capsys):
    with pytest.raises(SystemExit, match='2'):
        tool.main(['a.pkl', 'b.pkl', '--annotations', 'val.csv', '--resamples', '0'])
    assert "a whole number from 1 up is wanted; got '0'" in capsys.readouterr().err


def test_actions_with_intervals_mistakes_and_classes(tool, tmp_path, capsys):
    table = 'narration_id,participant_id,video_id,verb_class,noun_class\n'
    table += ''.join(f'c{i},P0{i // 2},v{i},{i % 2},0\n' for i in range(4))
    (tmp_path / 'val.csv').write_text(table)
    a = scores(tmp_path / 'a.pkl', {'c0': (0, 0), 'c1': (0, 0), 'c2': (1, 1), 'c3': (0, 0)})
    b = scores(tmp_path / 'b.pkl', {'c3': (1, 0), 'c2': (0, 1), 'c1': (1, 0), 'c0': (0, 0)})
    options = ['--annotations', str(tmp_path / 'val.csv'), '--least', '1']
    tool.main([a, b, *options, '--json', str(tmp_path / 'out/report.json')])
    report = json.loads((tmp_path / 'out/report.json').read_text())
    verb = report['top-1 in percent']['verb']
    assert (verb['A'], verb['B'], verb['difference']) == (25.0, 100.0, 75.0)
    assert verb['over 4 videos'][1] == 100.0
    assert verb['over 2 participants'] == [50.0, 100.0]
    action = report['top-1 in percent']['action']
    assert (action['A'], action['B']) == (25.0, 75.0)
    mistakes = report['clips by mistake, A down, B across']
    assert mistakes['verb only']['right'] == 2
    assert mistakes['both']['noun only'] == 1
    assert report['verb classes: rows, A, B (shares right)'] == {
        '1': dict(count=2, A=0.0, B=1.0, difference=1.0),
        '0': dict(count=2, A=0.5, B=1.0, difference=0.5),
    }
    assert 'over 2 participants [+50.00, +100.00]' in capsys.readouterr().out
    other = scores(tmp_path / 'other.pkl', {'c0': (0, 0)})
    with pytest.raises(ValueError, match='1 clips in common, 3 are in the first alone and 0 in'):
        tool.main([a, other, *options])


def test_one_participant_has_no_interval(tool, tmp_path, capsys):
    table = 'narration_id,participant_id,video_id,verb_class,noun_class\n'
    (tmp_path / 'val.csv').write_text(table + 'c0,P01,v0,0,0\nc1,P01,v1,0,0\n')
    a = scores(tmp_path / 'a.pkl', {'c0': (1, 0), 'c1': (1, 0)})
    b = scores(tmp_path / 'b.pkl', {'c0': (0, 0), 'c1': (0, 0)})
    found = str(tmp_path / 'report.json')
    tool.main([a, b, '--annotations', str(tmp_path / 'val.csv'), '--json', found])
    assert 'over 2 videos [+100.00, +100.00]  over 1 participant no' in capsys.readouterr().out
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['top-1 in percent']['verb']['over 1 participant'] is None


def annotations(path, clips):
    clips = [
        dict(clip_uid=name, video_start_sec=0, video_end_sec=60, annotations=rows)
        for name, rows in clips.items()
    ]
    path.write_text(json.dumps(dict(videos=[dict(video_uid='v', split='val', clips=clips)])))
    return ['--annotations', str(path), '--least', '1']


def found(path, results):
    path.write_text(json.dumps(dict(results=results)))
    return str(path)


def test_moments_by_kind_and_class(tool, tmp_path):
    labels = [
        dict(label='cut', start_time=0, end_time=10, primary=True),
        dict(label='wash', start_time=20, end_time=30, primary=True),
    ]
    given = annotations(tmp_path / 'val.json', {'c': [dict(annotator_uid='x', labels=labels)]})
    cut = dict(label='cut', segment=[0, 9], score=0.9)
    late = dict(label='wash', segment=[26, 36], score=0.8)
    wash = dict(label='wash', segment=[20, 30], score=0.8)
    a = found(tmp_path / 'a.json', {'c': [cut, late]})
    b = found(tmp_path / 'b.json', {'c': [cut, wash]})
    tool.main([a, b, *given, '--json', str(tmp_path / 'report.json')])
    report = json.loads((tmp_path / 'report.json').read_text())
    one, other = report['first moments of a clip, by kind'].values()
    assert (one['right'], one['ends wrong'], other['right']) == (1, 1, 2)
    assert report['classes: instances, A, B (shares found)'] == {
        'wash': dict(count=1, A=0.0, B=1.0, difference=1.0)
    }
    # IoU .25 counts at two of five thresholds, for one of two classes.
    expected = {'A': 70, 'B': 100, 'difference': 30, 'over 1 video': None}
    assert report['average mAP in percent']['all'] == pytest.approx(expected)


def test_what_another_split_was_asked_is_refused(tool, tmp_path):
    label = dict(label='cut', start_time=0, end_time=10, primary=True)
    given = annotations(tmp_path / 'mq.json', {'c': [dict(annotator_uid='x', labels=[label])]})
    row = dict(label='cut', segment=[0, 9], score=0.9)
    right = found(tmp_path / 'a.json', {'c': [row]})
    wrong = found(tmp_path / 'b.json', {'d': [row]})
    with pytest.raises(ValueError, match='no labels for 1 of the 1 clips: d'):
        tool.main([right, wrong, *given])
    query = dict(query='Where?', clip_start_sec=0, clip_end_sec=4)
    rows = [dict(annotation_uid='x', language_queries=[query])]
    given = annotations(tmp_path / 'nlq.json', {'c': rows})
    answer = dict(clip_uid='d', annotation_uid='x', query_idx=0, predicted_times=[[0, 4]])
    wrong = found(tmp_path / 'a.json', [dict(answer, scores=[1.0])])
    with pytest.raises(ValueError, match='no labels for 1 of the 1 queries'):
        tool.main([wrong, wrong, *given])


def test_answers_by_template_and_length(tool, tmp_path):
    queries = [
        dict(query='Where?', template='Place', clip_start_sec=0, clip_end_sec=4),
        dict(query='Who?', clip_start_sec=10, clip_end_sec=22),
    ]
    rows = [dict(annotation_uid='x', language_queries=queries)]
    given = annotations(tmp_path / 'val.json', {'c': rows})
    key = dict(clip_uid='c', annotation_uid='x')
    first = dict(key, query_idx=0, predicted_times=[[0, 4]], scores=[1.0])
    second = dict(key, query_idx=1, predicted_times=[[10, 20]], scores=[1.0])
    a = found(tmp_path / 'a.json', [first])
    b = found(tmp_path / 'b.json', [first, second])
    tool.main([a, b, *given, '--json', str(tmp_path / 'report.json')])
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['R@1 in percent']['IoU 0.5']['difference'] == 50.0
    templates = report['templates: queries, A, B (percent R@1, IoU 0.3)']
    assert templates['Place'] == dict(count=1, A=100.0, B=100.0, difference=0.0)
    assert templates['(none)']['difference'] == 100.0
    lengths = report['length of the answer: queries, A, B (percent R@1, IoU 0.3)']
    assert lengths['2-5 s']['A'] == 100.0
    assert lengths['10-30 s'] == dict(count=1, A=0.0, B=100.0, difference=100.0)
