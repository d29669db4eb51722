"""tools/baselines.py on small annotation files."""

import importlib.util
import json

import pytest

from egomm.functional.segment_files import write_json


@pytest.fixture
def files(tmp_path):
    """Annotations of both tracks in which the first second of a clip is always the answer."""
    for split, count in (('train', 12), ('val', 3)):
        for kind in ('moments', 'nlq'):
            videos = []
            for number in range(count):
                label = dict(label='walk', start_time=0, end_time=4, primary=True)
                query = dict(query='Where did I walk?', clip_start_sec=0, clip_end_sec=4)
                annotation = dict(
                    moments=dict(annotator_uid='x', labels=[label]),
                    nlq=dict(annotation_uid=f'a{number}', language_queries=[query]),
                )[kind]
                times = dict(video_start_sec=0, video_end_sec=60)
                clip = dict(times, clip_uid=f'{split}{number}', annotations=[annotation])
                videos.append(dict(video_uid=f'{split}{number}', split=split, clips=[clip]))
            write_json(tmp_path / f'{kind}_{split}.json', dict(videos=videos))
    return tmp_path


@pytest.fixture
def tool(command_line):
    spec = importlib.util.spec_from_file_location('it', command_line.tools / 'baselines.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    'name, kind, row, key',
    [
        ('nlq-blind', 'nlq', 'words', 'runs'),
        ('mq-prior', 'moments', 'class windows', 'average_mAP'),
    ],
)
def test_a_baseline_reports_what_it_reaches(tool, files, capsys, monkeypatch, name, kind, row, key):
    monkeypatch.chdir(files)
    monkeypatch.setattr(tool.blind, 'EPOCHS', 2)
    train, val = f'{kind}_train.json', f'{kind}_val.json'
    tool.main([name, '--train', train, '--val', val, '--json', 'out.json'])
    report = json.loads((files / 'out.json').read_text())
    if kind == 'nlq':
        assert [run['recall_1_at_0.5'] for run in report[row][key]] == [1, 1, 1]
        assert report[row]['intervals']['0.5'] == dict(mean=1, seeds=[1, 1], clips=[1, 1])
    else:
        assert report[row][key] > report['full clip'][key]
    assert f'{row}' in capsys.readouterr().out


@pytest.mark.long
def test_on_real_labels_words_alone_beat_the_fixed_window(tool, realdata, tmp_path):
    files = ('ego4d_nlq_train_v2.jsonl', 'nlq_val.json')
    train, val = (str(realdata / 'ego4d_nlq' / name) for name in files)
    tool.main(['nlq-blind', '--train', train, '--val', val, '--json', f'{tmp_path}/out.json'])
    report = json.loads((tmp_path / 'out.json').read_text())
    for threshold, floor in (('0.3', 0.0264), ('0.5', 0.0116)):
        fixed = report['first 5 %'][f'recall_1_at_{threshold}']
        assert fixed == pytest.approx(floor, abs=5e-5)
        interval = report['words']['intervals'][threshold]
        assert min(interval['seeds'][0], interval['clips'][0]) > fixed


@pytest.mark.long
def test_on_real_labels_class_windows_beat_every_other_floor(tool, realdata, tmp_path):
    file = str(realdata / 'ego4d_mq' / 'ego4d_mq_v1_clip_annotations.json')
    tool.main(['mq-prior', '--train', file, '--val', file, '--json', f'{tmp_path}/out.json'])
    report = json.loads((tmp_path / 'out.json').read_text())
    best = report.pop('class windows')['average_mAP']
    assert len(report) == 5
    for other in report.values():
        assert best > 1.9 * other['average_mAP']
        assert other['class_windows_minus_this'][1] > 0
