import re

import pytest
import torch

from egomm.models.sequence_preprocessor import SequencePreprocessor


def batch(**inputs):
    return dict(inputs=inputs, data_samples=['one', 'two'])


def test_shorter_sequences_are_padded_with_zeros_and_masked():
    rows = [torch.ones(2, 3, dtype=torch.float16), torch.ones(2, 5, dtype=torch.float16)]
    made = SequencePreprocessor()(batch(ego=rows))
    stream = made['inputs']['ego']
    assert stream.x.dtype == torch.float32
    assert stream.x[0].tolist() == [[1, 1, 1, 0, 0]] * 2
    assert stream.mask.tolist() == [[True] * 3 + [False] * 2, [True] * 5]
    assert made['data_samples'] == ['one', 'two']


def test_numbers_of_words_stay_integers():
    rows = [torch.tensor([[7, 8]]), torch.tensor([[9]])]
    stream = SequencePreprocessor()(batch(words=rows))['inputs']['words']
    assert stream.x.tolist() == [[[7, 8]], [[9, 0]]]
    assert stream.x.dtype == torch.int64


@pytest.mark.parametrize('shapes', [[(2, 3), (3, 3)], [(2,), (2,)]])
def test_what_is_no_sequence_or_differs_is_named(shapes):
    rows = [torch.ones(shape) for shape in shapes]
    with pytest.raises(
        ValueError, match=rf'ego wants sequences .* got \[{re.escape(str(shapes)[1:])}'
    ):
        SequencePreprocessor()(batch(ego=rows))
