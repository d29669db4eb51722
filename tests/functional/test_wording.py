from egomm.functional.wording import column_names, first_names


def test_a_long_list_is_cut_and_counted():
    assert first_names(['a', 'b', 'c']) == 'a, b, c'
    assert first_names(['a', 'b', 'c'], 2) == 'a, b and 1 more'


def test_a_header_that_is_none_is_cut_short():
    assert column_names(['id', 'key']) == "['id', 'key']"
    said = column_names(['x' * 10_000] * 1_000)
    assert said.startswith(f"['{'x' * 40}...', '")
    assert said.endswith('] and 980 more')
    assert len(said) < 1_000
