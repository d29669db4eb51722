import json

import pytest

from egomm.functional.json_keys import unique_keys


def test_objects_are_as_without_it():
    text = '{"a": {"b": [1, {"c": null}]}, "b": 2}'
    assert json.loads(text, object_pairs_hook=unique_keys) == json.loads(text)


def test_a_doubled_key_is_named_however_deep():
    text = '[{"a": {"b": 1, "b": 1, "c": 2, "d": 3, "d": 4}}]'
    with pytest.raises(ValueError, match="^'b', 'd' occurs more than once in an object$"):
        json.loads(text, object_pairs_hook=unique_keys)
