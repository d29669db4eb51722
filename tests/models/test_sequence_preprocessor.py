import pytest
import torch

from egomm.models.sequence_preprocessor import SequencePreprocessor


def batch(**inputs):
    return dict(inputs=inputs, data_samples=['one', 'two'])


def test_shorter_sequences_are_padded_with_zeros_and_masked():
    rows = [torch.ones(2, 3, dtype=torch.float16), torch.ones(2, 5, dtype=torch.float16)]
    made = SequencePreprocessor(names=['ego'])(batch(ego=rows, other=[]))
    stream = made['inputs']['ego']
    assert stream.x.dtype == torch.float32
    assert stream.x[0].tolist() == [[1, 1, 1, 0, 0]] * 2
    assert stream.mask.tolist() == [[True] * 3 + [False] * 2, [True] * 5]
    assert made['data_samples'] == ['one', 'two']
    assert list(made['inputs']) == ['ego']


def test_numbers_of_words_stay_integers():
    rows = [torch.tensor([[7, 8]]), torch.tensor([[9]])]
    stream = SequencePreprocessor(names=['words'])(batch(words=rows))['inputs']['words']
    assert stream.x.tolist() == [[[7, 8]], [[9, 0]]]
    assert stream.x.dtype == torch.int64


def test_what_is_missing_or_differs_is_named():
    with pytest.raises(ValueError, match=r"carries \['ego'\]: \['words'\] missing"):
        SequencePreprocessor(names=['ego', 'words'])(batch(ego=[]))
    with pytest.raises(ValueError, match=r'ego wants sequences .* got \[\(2, 3\), \(3, 3\)\]'):
        SequencePreprocessor(names=['ego'])(batch(ego=[torch.ones(2, 3), torch.ones(3, 3)]))
