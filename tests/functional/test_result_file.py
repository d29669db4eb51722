import pickle

import numpy as np
import pytest
import torch

from egomm.functional.result_file import Results, write_results

RESULTS = Results(['P01_01_1', 'P01_01_0'], np.eye(2, 3, dtype='f4'), np.ones((2, 4), 'f4'))


@pytest.mark.parametrize('suffix', ['.pkl', '.pt'])
def test_the_file_is_what_the_official_scripts_read(tmp_path, suffix):
    path = tmp_path / 'new' / f'scores{suffix}'
    write_results(path, RESULTS)
    if suffix == '.pkl':
        content = pickle.loads(path.read_bytes())
    else:
        content = torch.load(path, weights_only=False)
    assert content['narration_id'].tolist() == RESULTS.narration_ids
    np.testing.assert_array_equal(content['verb_output'], RESULTS.verb)
    np.testing.assert_array_equal(content['noun_output'], RESULTS.noun)
    assert content['noun_output'].dtype == np.float32
    assert list(path.parent.iterdir()) == [path]  # no temporary file stays


def test_another_end_of_the_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r'ends in \.pkl or \.pt; got .*scores\.json'):
        write_results(tmp_path / 'scores.json', RESULTS)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / 'scores.pkl'
    write_results(path, RESULTS)
    before = path.read_bytes()
    with pytest.raises(AttributeError, match='local'):
        write_results(path, Results(['a'], lambda: 0, RESULTS.noun))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
