"""tools/score.py as a user calls it, on the rows of which the official script gave the numbers."""

import json
from pathlib import Path

import numpy as np
import pytest

from egomm.functional.result_file import Results, write_results

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
