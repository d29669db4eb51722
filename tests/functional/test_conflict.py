import math

import pytest
import torch
import torch.nn.functional as F

from egomm.functional.conflict import gradient_cosine, pair_distance


def test_cosine_is_that_of_all_gradients_in_one_vector():
    a = [torch.rand(3, 2), torch.rand(4)]
    b = [-torch.rand(3, 2), torch.rand(4)]
    expected = F.cosine_similarity(
        torch.cat([x.flatten() for x in a]).double(),
        torch.cat([x.flatten() for x in b]).double(),
        dim=0,
    )
    torch.testing.assert_close(gradient_cosine(a, b), expected)


def test_cosine_of_a_missing_gradient_counts_it_as_zeros():
    # (3, 4) and (3, 0): 9 / (5 * 3)
    a = [torch.tensor([3.0]), torch.tensor([4.0])]
    b = [torch.tensor([3.0]), None]
    assert gradient_cosine(a, b).item() == pytest.approx(0.6)
    assert gradient_cosine(a, [-x for x in a]).item() == pytest.approx(-1)
    assert math.isnan(gradient_cosine(a, [None, None]))
    assert math.isnan(gradient_cosine([], []))


def test_gradients_of_other_parameters_are_refused():
    with pytest.raises(ValueError, match=r'the shapes \[\(2,\)\] and \[\(3,\)\] \(1 and 1 in all'):
        gradient_cosine([torch.rand(2)], [torch.rand(3)])
    with pytest.raises(ValueError, match=r'\(1 and 2 in all\)'):
        gradient_cosine([None], [None, None])


def test_distance_of_pairs_is_relative_to_all_pairs():
    # On a line at 0, 1, 4: distances 1, 4, 3 with mean 8/3. Verb shared: clips 0 and 1 (1) ...
    features = torch.tensor([[0.0], [1.0], [4.0]])
    verbs, nouns = torch.tensor([5, 5, 6]), torch.tensor([1, 2, 2])
    assert pair_distance(features, verbs, nouns).item() == pytest.approx(1 / (8 / 3))
    # ... noun shared by another verb: clips 1 and 2 (3).
    assert pair_distance(features, nouns, verbs).item() == pytest.approx(3 / (8 / 3))


def test_distance_does_not_feel_shift_or_scale():
    features = torch.rand(9, 5, dtype=torch.float64)
    verbs, nouns = torch.arange(9) % 2, torch.arange(9) % 3
    plain = pair_distance(features, verbs, nouns)
    torch.testing.assert_close(pair_distance(7 * features - 100, verbs, nouns), plain)


def test_without_such_a_pair_there_is_no_distance():
    features = torch.rand(3, 2)
    assert pair_distance(features, torch.arange(3), torch.arange(3)).isnan()
    same = torch.zeros(3, dtype=torch.long)
    assert pair_distance(features, same, same).isnan()


def test_a_map_is_no_vector():
    with pytest.raises(ValueError, match=r'got \(2, 3, 4\), \(2,\) and \(2,\)'):
        pair_distance(torch.rand(2, 3, 4), torch.zeros(2), torch.zeros(2))
