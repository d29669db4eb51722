import logging
import math

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator

from egomm.registry import METRICS
from egomm.structures import EgoSample
from egomm.submission.result_files import read_results


def sample(name, verb, noun=(0.0, 1.0)):
    """One clip without labels, as the evaluator hands it over."""
    pred = {'verb': torch.tensor(verb).bfloat16(), 'noun': torch.tensor(noun)}
    return EgoSample(metainfo={'narration_id': name}, pred=pred).to_dict()


def written(path, samples, size=None):
    evaluator = Evaluator(METRICS.build({'type': 'ResultFile', 'path': str(path)}))
    evaluator.process(samples)
    assert evaluator.evaluate(len(samples) if size is None else size) == {}
    return read_results(path)


@pytest.mark.parametrize('suffix', ['.pkl', '.pt'])
def test_scores_of_clips_without_labels_are_written(tmp_path, suffix):
    results = written(
        tmp_path / f'x{suffix}', [sample('b', [1.0, 2.0, 3.0]), sample('a', [4.0, 5.0, 6.0])]
    )
    assert results.narration_ids == ['b', 'a']
    assert results.verb.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert results.verb.dtype == np.float32
    assert results.noun.tolist() == [[0, 1], [0, 1]]


def test_what_a_distributed_sampler_repeats_is_written_once(tmp_path):
    clips = [sample('a', [1.0, 2.0]), sample('b', [3.0, 4.0])]
    assert written(tmp_path / 'x.pkl', [*clips, clips[0]]).narration_ids == ['a', 'b']
    assert written(tmp_path / 'x.pkl', [*clips, sample('c', [0.0, 0.0])], 2).verb.shape == (2, 2)


@pytest.mark.parametrize(
    'samples, words',
    [
        ([sample('a', [1.0, math.nan])], 'ResultFile wants finite logits; a have NaN'),
        ([sample('a', [1.0]), sample('b', [1.0, 2.0])], r'\[\(1, 2\), \(2, 2\)\]'),
        ([sample('a', [1.0]), sample('a', [9.0])], 'clip a twice with different'),
        ([sample('a', [1.0]), sample('a', [1.0, 2.0])], 'clip a twice with different'),
        ([{'narration_id': 'a'}], r"\['pred'\] missing"),
        ([{'narration_id': 'a', 'pred': {'verb': [1.0]}}], "no 'noun'. Give the model a head"),
        ([], 'ResultFile got no clips'),
    ],
)
def test_what_cannot_be_a_result_file_is_refused(tmp_path, samples, words):
    logging.getLogger('mmengine').setLevel(logging.ERROR)
    with pytest.raises(ValueError, match=words):
        written(tmp_path / 'x.pkl', samples)
    assert not list(tmp_path.iterdir())


def test_another_end_of_the_name_is_refused_before_the_run():
    with pytest.raises(ValueError, match=r'got scores\.npz'):
        METRICS.build({'type': 'ResultFile', 'path': 'scores.npz'})
