"""Pairs, ids and many-shot classes, on rows small enough to count."""

import pytest

from egomm.functional.action_ids import action_pairs, dense_action, many_shot, many_shot_actions


def test_a_pair_is_numbered_when_it_first_appears():
    assert action_pairs([2, 0, 2, 0], [8, 1, 8, 8]) == [(2, 8), (0, 1), (0, 8)]
    with pytest.raises(ValueError):
        action_pairs([1, 2], [1])


def test_dense_id_is_a_place_in_the_table_of_all_pairs():
    assert dense_action(2, 8) == 2 * 352 + 8
    assert dense_action(1, 4, num_nouns=5) == 9
    with pytest.raises(ValueError, match=r'noun within 0\.\.351; got 1 and 352'):
        dense_action(1, 352)
    with pytest.raises(ValueError, match='verb >= 0'):
        dense_action(-1, 0)


def test_many_shot_actions_need_both_classes_often_and_the_pair_once():
    verbs, nouns = [0, 0, 1, 1, 2], [5, 6, 5, 7, 5]
    assert many_shot(verbs, least=2) == [0, 1]
    assert many_shot(nouns, least=2) == [5]
    assert many_shot_actions(verbs, nouns, least=2) == [(0, 5), (1, 5)]
