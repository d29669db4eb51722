"""tools/score.py and tools/submit.py on what two localizers found."""

import importlib.util
import json

import pytest

from egomm.functional.segment_files import write_json


@pytest.fixture
def call(command_line, tmp_path, monkeypatch, capsys):
    """Calls a tool in a folder with annotations of two splits and the segments of two models."""
    for split, label in (('val', 'walk'), ('test', None)):
        labels = [dict(label=label, start_time=0, end_time=4, primary=True)] if label else []
        window = dict(clip_start_sec=0, clip_end_sec=4) if label else {}
        times = dict(clip_uid='c', video_start_sec=0, video_end_sec=60)
        for name, annotations in (
            ('moments', [dict(annotator_uid='x', labels=labels)]),
            ('nlq', [dict(annotation_uid='a', language_queries=[dict(query='Where?', **window)])]),
        ):
            clip = dict(times, annotations=annotations)
            write_json(
                tmp_path / f'{name}_{split}.json',
                dict(videos=[dict(video_uid='v', split=split, clips=[clip])]),
            )
    key = dict(clip_uid='c', annotation_uid='a', query_idx=0)
    for number, (segment, score) in enumerate([([0, 4], 0.9), ([30, 34], 0.2)]):
        write_json(
            tmp_path / f'm{number}.json',
            {'results': {'c': [dict(label='walk', score=score, segment=segment)]}},
        )
        answer = dict(key, predicted_times=[segment], scores=[score])
        write_json(tmp_path / f'q{number}.json', {'results': [answer]})

    def run(tool, *arguments):
        spec = importlib.util.spec_from_file_location(tool, command_line.tools / f'{tool}.py')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.main(arguments)
        return capsys.readouterr().out

    monkeypatch.chdir(tmp_path)
    return run


def test_moments_of_two_models_are_scored_and_submitted(call, tmp_path):
    output = call(
        'score', 'mq', 'm0.json', 'm1.json', '--annotations', 'moments_val.json', '--json', 's.json'
    )
    assert '1 of the 1 clips of moments_val.json have predictions' in output
    report = json.loads((tmp_path / 's.json').read_text())
    assert report['protocol'] == 'ego4d_mq'
    assert report['metrics']['average_mAP'] == 1
    test = ['--annotations', 'moments_test.json', '--classes', 'moments_val.json']
    output = call('submit', 'mq', 'm0.json', 'm1.json', *test, '--out', 'sub.json')
    assert 'Wrote sub.json: 1 clips, 2 moments of 2 file(s)' in output
    assert 'sub.json is valid: 1 clips' in call('submit', 'mq', '--check', 'sub.json', *test)
    with pytest.raises(SystemExit):
        call('submit', 'mq', '--out', 'y.json', *test)


def test_one_file_is_scored_and_submitted_without_torch(call, command_line, tmp_path):
    lines = ['import runpy, sys']
    for tool, *arguments in (
        ('score', 'mq', 'm0.json', '--annotations', 'moments_val.json'),
        ('score', 'nlq', 'q0.json', '--annotations', 'nlq_val.json'),
        ('submit', 'nlq', 'q0.json', '--annotations', 'nlq_test.json', '--out', 's.json'),
    ):
        file = command_line.tools / f'{tool}.py'
        lines.append(f'runpy.run_path({str(file)!r})["main"]({arguments!r})')
    lines.append('print("torch" in sys.modules, "egomm.datasets.moments" in sys.modules)')
    said = command_line.call(command_line.python, '-c', '\n'.join(lines), folder=tmp_path)
    assert said.splitlines()[-1] == 'False True'


def test_answers_of_two_systems_are_merged_by_confidence(call, tmp_path):
    output = call('score', 'nlq', 'q1.json', 'q0.json', '--annotations', 'nlq_val.json')
    assert 'recall_1_at_0.5      1.0000' in output
    test = ['--annotations', 'nlq_test.json']
    output = call('submit', 'nlq', 'q1.json', 'q0.json', *test, '--out', 'sub.json')
    assert 'Wrote sub.json: 1 queries, answered by 2 file(s)' in output
    [answer] = json.loads((tmp_path / 'sub.json').read_text())['results']
    assert answer['predicted_times'] == [[0, 4], [30, 34]]


def test_predictions_of_another_split_are_refused(call, tmp_path):
    write_json(tmp_path / 'x.json', {'results': {'e': []}})
    with pytest.raises(ValueError, match='moments_val.json has no labels for 1 of the 1 clips: e'):
        call('score', 'mq', 'x.json', '--annotations', 'moments_val.json')
    test = ('--annotations', 'moments_test.json', '--split', 'test')
    with pytest.raises(ValueError, match='ground truth with annotations; got 1 clips without any'):
        call('score', 'mq', 'm0.json', *test)
