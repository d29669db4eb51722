import pytest

from egomm.functional.words import word_ids


def test_case_and_punctuation_do_not_matter():
    assert word_ids('Where did I put the cup?', 1000) == word_ids('where did i put the CUP', 1000)


def test_numbers_are_the_same_in_every_run_and_in_range():
    assert word_ids("where's the cup", 2**32) == [2637543406, 1011183078, 3080540388]
    assert max(word_ids('a b c d e f g', 5)) < 5


def test_a_text_without_words_is_refused():
    with pytest.raises(ValueError, match=r"at least one word of letters or digits; got ' \?'"):
        word_ids(' ?', 10)
