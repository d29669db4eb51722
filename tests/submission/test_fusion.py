import numpy as np
import pytest

from egomm.functional.result_file import Results
from egomm.submission.fusion import fuse


def results(names, verb, noun=None):
    noun = np.zeros((len(names), 2)) if noun is None else noun
    return Results(list(names), np.asarray(verb, 'f4'), np.asarray(noun, 'f4'))


def test_the_mean_is_over_clips_of_the_same_id_whatever_their_order():
    fused = fuse([results('ab', [[1, 2], [3, 4]]), results('ba', [[30, 40], [10, 20]])])
    assert fused.narration_ids == ['a', 'b']
    assert fused.verb.tolist() == [[5.5, 11], [16.5, 22]]


def test_weights_count_by_their_ratio():
    parts = [results('a', [[1, 0]], [[8, 0]]), results('a', [[5, 4]], [[0, 8]])]
    fused = fuse(parts, [30, 10])
    assert fused.verb.tolist() == [[2, 1]]
    assert fused.noun.tolist() == [[6, 2]]


def test_one_file_stays_as_it_is():
    scores = np.random.default_rng(0).normal(size=(3, 97)).astype('f4')
    assert np.array_equal(fuse([results('abc', scores)]).verb, scores)


@pytest.mark.parametrize(
    'second, words',
    [
        (
            results('ac', [[0], [0]]),
            r'clips of file 1, file 2 lacks 1 \(b\) and has 1 others \(c\)',
        ),
        (results('a', [[0]]), r'lacks 1 \(b\) and no others'),
        (results('abc', [[0]] * 3), r'lacks none and has 1 others \(c\)'),
        (results('ab', [[0, 1], [0, 1]]), 'file 1 has 1 verb classes, file 2 has 2'),
        (
            results('ab', [[0], [0]], [[0] * 3] * 2),
            'file 1 has 2 noun classes, file 2 has 3',
        ),
    ],
)
def test_files_of_other_clips_or_classes_are_refused(second, words):
    with pytest.raises(ValueError, match=words):
        fuse([results('ab', [[0], [0]]), second])


@pytest.mark.parametrize('weights', [[1], [1, 0], [1, -1], [1, float('nan')], [1, float('inf')]])
def test_weights_that_do_not_fit_are_refused(weights):
    parts = [results('a', [[0]])] * 2
    with pytest.raises(ValueError, match='one finite weight above 0 for each of the 2'):
        fuse(parts, weights)


def test_no_files_are_refused():
    with pytest.raises(ValueError, match='at least one result file'):
        fuse([])
