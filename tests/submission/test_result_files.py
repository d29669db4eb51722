import pickle

import numpy as np
import pytest
import torch
from mmengine.evaluator import DumpResults

from egomm.functional.result_file import Results, write_results
from egomm.structures import EgoSample
from egomm.submission.result_files import read_results

IDS = ['P01_01_1', 'P01_01_0']
VERB = np.array([[1, 2, 3], [4, 5, 6]], 'f4')
NOUN = np.array([[0.5, 1.5], [2.5, 3.5]], 'f4')


def rows(**changes):
    """The list format: one dict a clip."""
    columns = {'narration_id': IDS, 'verb_output': VERB, 'noun_output': NOUN, **changes}
    return [dict(zip(columns, values)) for values in zip(*columns.values())]


def stacked(**changes):
    """The dict format: stacked arrays."""
    arrays = {'narration_id': np.array(IDS), 'verb_output': VERB, 'noun_output': NOUN}
    return {**arrays, **changes}


def saved(path, content):
    if path.suffix == '.pt':
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    return path


def assert_same(results):
    assert results.narration_ids == IDS
    for read, written in ((results.verb, VERB), (results.noun, NOUN)):
        np.testing.assert_array_equal(read, written)


@pytest.mark.parametrize('suffix', ['.pkl', '.pt', '.pickle'])
@pytest.mark.parametrize(
    'content',
    [
        stacked(),
        stacked(narration_id=IDS),
        rows(),
        rows(verb_output=VERB.tolist()),
        rows(video_id=['P01_01'] * 2),
        rows(verb_output=torch.from_numpy(VERB)),
        stacked(verb_output=torch.from_numpy(VERB)),
    ],
    ids=['dict', 'dict with list of ids', 'list', 'floats', 'more keys', 'tensors', 'tensor'],
)
def test_every_official_format_is_read(tmp_path, suffix, content):
    assert_same(read_results(saved(tmp_path / f'x{suffix}', content)))


def test_ids_of_a_pandas_column_are_read(tmp_path):
    content = stacked(narration_id=np.array(IDS, dtype=object))
    assert_same(read_results(saved(tmp_path / 'x.pkl', content)))


@pytest.mark.parametrize('suffix', ['.pkl', '.pt'])
def test_what_egomm_writes_is_read(tmp_path, suffix):
    write_results(tmp_path / f'x{suffix}', Results(IDS, VERB, NOUN))
    results = read_results(tmp_path / f'x{suffix}')
    assert_same(results)
    assert results.verb.dtype == np.float32


def test_what_dump_writes_is_read(tmp_path):
    dump = DumpResults(str(tmp_path / 'x.pkl'))
    for name, verb, noun in zip(IDS, VERB, NOUN):
        pred = {'verb': torch.from_numpy(verb), 'noun': torch.from_numpy(noun)}
        pred['attention'] = torch.rand(2, 5)
        info = {'narration_id': name, 'times': [0.5], 'present': {'rgb': True}}
        dump.process(None, [EgoSample(metainfo=info, gt={'verb': 1}, pred=pred).to_dict()])
    dump.evaluate(2)
    assert_same(read_results(tmp_path / 'x.pkl'))


@pytest.mark.parametrize('suffix', ['.pkl', '.pt'])
@pytest.mark.parametrize(
    'content, words',
    [
        (
            {'narration_id': IDS, 'verb_output': VERB},
            r"holds \['narration_id', 'verb_output'\]; wanted are narration_id, verb_out",
        ),
        ([], 'holds no clips; wanted'),
        (3, 'holds a int; wanted'),
        ([*rows(), 5], 'holds a int; wanted'),
        ([*rows(), {'narration_id': 'x'}], r"holds \['narration_id'\]; wanted"),
        ([{'narration_id': 'x', 'pred': {'verb': [1.0]}}], r"holds \['narration_id', 'pred'\]"),
        (stacked(narration_id=IDS[:1]), 'holds 1 narration ids, 2 rows of verb scores and 2'),
        (stacked(narration_id=[1, 2]), 'narration_id is wanted as text'),
        (stacked(narration_id=IDS[:1] * 2), '1 narration ids more than once: P01_01_1'),
        (stacked(verb_output=VERB[:, 0]), r'verb_output is wanted as numbers.*got float32 \(2,\)'),
        (stacked(noun_output=np.array([['a'], ['b']])), r'noun_output is wanted.*<U1 \(2, 1\)'),
        (rows(verb_output=[[1.0], [1.0, 2.0]]), 'verb_output is wanted as numbers.*same shape'),
        (
            stacked(verb_output=np.array([[1, np.nan], [1, 2]])),
            'NaN or infinity for 1 of 2 clips: P01_01_1',
        ),
        (stacked(noun_output=np.full((2, 2), -np.inf)), 'infinity for 2 of 2 clips'),
    ],
)
def test_what_is_no_result_file_is_refused(tmp_path, suffix, content, words):
    with pytest.raises(ValueError, match=words):
        read_results(saved(tmp_path / f'x{suffix}', content))


class Hostile:
    def __reduce__(self):
        return getattr, ({}, 'clear')


@pytest.mark.parametrize('suffix', ['.pkl', '.pt'])
def test_a_file_that_could_run_code_is_refused(tmp_path, suffix):
    content = stacked(narration_id=[Hostile()])
    with pytest.raises(ValueError, match=r'could run code: .*getattr'):
        read_results(saved(tmp_path / f'x{suffix}', content))


@pytest.mark.parametrize('suffix', ['.pkl', '.pt'])
def test_a_file_that_is_cut_short_is_refused(tmp_path, suffix):
    path = saved(tmp_path / f'x{suffix}', stacked())
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match='is no complete'):
        read_results(path)


def test_a_missing_file_and_a_foreign_one_are_named(tmp_path):
    with pytest.raises(ValueError, match=r'no result file .*x\.pkl'):
        read_results(tmp_path / 'x.pkl')
    with pytest.raises(ValueError, match=r'ends in \.pkl or \.pt; got .*x\.json'):
        read_results(tmp_path / 'x.json')
