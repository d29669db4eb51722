from egomm.functional.wording import first_names


def test_a_long_list_is_cut_and_counted():
    assert first_names(['a', 'b', 'c']) == 'a, b, c'
    assert first_names(['a', 'b', 'c'], 2) == 'a, b and 1 more'
