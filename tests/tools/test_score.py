"""tools/score.py as a user calls it, on the rows of which the official script gave the numbers."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from egomm.functional.result_file import Results, write_results
from egomm.metrics import ClassAccuracyMetric

GOLDEN = Path(__file__).parents[1] / 'golden' / 'mimo'


@pytest.fixture(scope='module')
def data():
    with np.load(GOLDEN / 'c1_metrics_synth_inputs.npz') as file:
        return {key: file[key] for key in file.files}


@pytest.fixture(scope='module')
def folder(tmp_path_factory, data):
    """Annotations and scores of the synthetic rows, the scores in another order."""
    folder = tmp_path_factory.mktemp('score')
    names = ['narration_id', 'participant_id', 'verb_class', 'noun_class']
    tables = {
        'val': (names, zip(*(data[name].tolist() for name in names))),
        'tail_verbs': (['verb'], data['tail_verbs'][:, None].tolist()),
        'tail_nouns': (['noun'], data['tail_nouns'][:, None].tolist()),
        'unseen': (['participant_id'], data['unseen_participants'][:, None].tolist()),
    }
    for name, (header, rows) in tables.items():
        lines = [','.join(map(str, row)) for row in (header, *rows)]
        (folder / f'{name}.csv').write_text('\n'.join(lines) + '\n')
    order = np.random.default_rng(0).permutation(len(data['narration_id']))
    ids = data['narration_id'][order].tolist()
    results = Results(ids, data['verb_scores'][order], data['noun_scores'][order])
    write_results(folder / 'all.pkl', results)
    write_results(folder / 'all.pt', results)
    write_results(folder / 'part.pkl', Results(ids[:9], results.verb[:9], results.noun[:9]))
    write_results(folder / 'other.pkl', Results(['x'], results.verb[:1], results.noun[:1]))
    return folder


@pytest.fixture
def score(command_line, folder):
    """Calls ``score.py epic100`` with the annotations."""

    def call(*arguments, code=0):
        tool = command_line.tools / 'score.py'
        arguments = ['epic100', *arguments, '--annotations', 'val.csv']
        return command_line.call(command_line.python, tool, *arguments, folder=folder, code=code)

    return call


SUBSETS = [
    *('--tail-verbs', 'tail_verbs.csv', '--tail-nouns', 'tail_nouns.csv'),
    *('--unseen', 'unseen.csv'),
]


def test_numbers_are_those_of_the_official_script(score, folder):
    output = score('all.pkl', *SUBSETS, '--json', 'new/all.json')
    report = json.loads((folder / 'new' / 'all.json').read_text())
    expected = json.loads((GOLDEN / 'c1_metrics_synth_expected.json').read_text())
    official = expected['metrics_percent']
    metrics = report['metrics']
    assert {key: metrics[key] for key in official} == pytest.approx(official, abs=1e-9, rel=0)
    assert set(metrics) - set(official) == {
        f'all_{task}_mean_class_accuracy_present' for task in ('verb', 'noun')
    }
    assert (report['protocol'], report['results']) == ('epic100', ['all.pkl'])
    line = next(line for line in output.splitlines() if line.startswith('unseen accuracy_at_1'))
    keys = [f'unseen_{task}_accuracy_at_1' for task in ('verb', 'noun', 'action')]
    assert line.split()[2:] == [f'{official[key]:.2f}' for key in keys]


def test_files_are_fused_and_groups_of_classes_reported(score, folder, data):
    output = score('all.pkl', 'all.pt', '--train-csv', 'val.csv', '--json', 'x.json')
    metrics = json.loads((folder / 'x.json').read_text())['metrics']
    first = data['verb_scores'].argmax(axis=1)
    counts = np.bincount(data['verb_class'], minlength=97)
    few = counts[data['verb_class']] < 20
    right = 100 * np.mean((first == data['verb_class'])[few])
    assert metrics['shots/few_verb_accuracy_at_1'] == pytest.approx(right)
    assert 'shots/few accuracy_at_1' in output


def test_a_pickle_is_scored_without_torch(command_line, folder):
    tool = str(command_line.tools / 'score.py')
    code = (
        f'import runpy, sys; runpy.run_path({tool!r})["main"](["epic100", "all.pkl", '
        '"--annotations", "val.csv"]); print("torch" in sys.modules)'
    )
    said = command_line.call(command_line.python, '-c', code, folder=folder)
    assert said.splitlines()[-1] == 'False'


def test_a_part_of_the_clips_may_be_scored(score):
    assert 'percent, 9 of the ' in score('part.pkl')


def test_clips_without_labels_are_named(score):
    output = score('other.pkl', code=2)
    assert output.startswith('error: val.csv has no label for 1 of the 1 scored clips: x. Give')


def test_files_of_other_clips_are_not_fused(score):
    output = score('all.pkl', 'part.pkl', code=2)
    assert 'file 2 lacks' in output
    assert 'Traceback' not in output


def test_annotations_with_an_id_twice_are_refused(command_line, folder):
    text = (folder / 'val.csv').read_text()
    (folder / 'twice.csv').write_text(text + text.splitlines()[-1] + '\n')
    tool = command_line.tools / 'score.py'
    arguments = ['epic100', 'part.pkl', '--annotations', 'twice.csv']
    output = command_line.call(command_line.python, tool, *arguments, folder=folder, code=2)
    assert 'twice.csv has a narration_id more than once' in output


@pytest.fixture
def dump(tmp_path):
    """Clips of verbs and actions, one of them twice, one without an action; and hands, no class."""
    rng = np.random.default_rng(1)
    samples = [
        dict(
            narration_id=f'clip_{number % 12}',
            gt=dict(verb=number % 3, action=number % 5, hands=[[0.5, 0.5]]),
            pred={
                'verb': rng.normal(size=3).astype('float32'),
                'action': rng.normal(size=6).astype('float32'),
                'hands': rng.normal(size=(4, 2)).astype('float32'),
            },
        )
        for number in range(12)
    ]
    del samples[4]['gt']['action']
    samples.append(samples[0])
    (tmp_path / 'dump.pkl').write_bytes(pickle.dumps(samples))
    return samples


def test_classes_of_a_dump_are_scored_as_the_metric_does(command_line, dump, tmp_path):
    metric = ClassAccuracyMetric(dict(verb=3, action=6), 'egtea')
    metric.process(None, dump)
    wanted = metric.evaluate(size=len(dump))
    tool = [command_line.python, command_line.tools / 'score.py', 'classes', 'dump.pkl']
    command_line.call(*tool, '--protocol', 'egtea', '--json', 'out.json', folder=tmp_path)
    found = json.loads((tmp_path / 'out.json').read_text())['metrics']
    assert found == pytest.approx(wanted)


def test_a_dump_of_something_else_is_one_line(command_line, tmp_path):
    (tmp_path / 'dump.pkl').write_bytes(pickle.dumps([{'verb': 1}]))
    tool = [command_line.python, command_line.tools / 'score.py', 'classes', 'dump.pkl']
    said = command_line.call(*tool, '--protocol', 'egtea', folder=tmp_path, code=2)
    assert 'is not a dump of classification' in said
    (tmp_path / 'dump.pkl').write_bytes(pickle.dumps([]))
    said = command_line.call(*tool, '--protocol', 'egtea', folder=tmp_path, code=2)
    assert 'has no task with scores and labels' in said
