"""What is said of a mistake in a component that somebody else wrote."""

import re

import pytest
import torch
from torch import nn

from egomm.apis.errors import start_message, unknown_message, user_message
from egomm.registry import MODELS


@MODELS.register_module()
class Narrow(nn.Module):
    """Breaks in its constructor or in PyTorch, as a component does that is being written."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1)

    def forward(self, x):
        return self.linear(x)


@MODELS.register_module()
class Narrower(Narrow):
    """Has no constructor of its own."""


@pytest.mark.parametrize(
    'config, said',
    [
        (
            dict(type='Narrow', widht=3),
            r"Narrow: .*unexpected keyword argument 'widht'.*\. Correct the keys beside its "
            r'`type` in the config; it takes width\.',
        ),
        # The parent complains; the name in the config is the child's.
        (
            dict(type='Narrower'),
            r"Narrower: Narrow\.__init__\(\) missing .*'width'\. Correct the keys .*width\.",
        ),
    ],
)
def test_a_wrong_key_is_shown_with_the_component_and_what_it_takes(config, said):
    with pytest.raises(TypeError) as caught:
        MODELS.build(config)
    assert re.fullmatch(said, user_message(caught.value))


def test_an_error_of_a_library_is_shown_with_the_line_of_the_component():
    with pytest.raises(RuntimeError) as caught:
        MODELS.build(dict(type='Narrow', width=3))(torch.zeros(2, 4))
    said = unknown_message(caught.value)
    assert re.search(rf'RuntimeError: .*\({re.escape(__file__)}, line 22\)\. EGOMM_DEBUG=1', said)


@pytest.mark.parametrize(
    'line, own', [("raise ValueError('wanted is a list')", True), ("int('many')", False)]
)
def test_only_what_is_raised_was_written_for_a_person(line, own):
    place: dict = {'__name__': 'egomm.somewhere'}
    exec(f'def fail():\n    {line}', place)
    with pytest.raises(ValueError, match='wanted|invalid literal') as caught:
        place['fail']()
    assert user_message(caught.value) == ('wanted is a list' if own else None)
    assert unknown_message(caught.value).endswith(
        '(<string>, line 2). EGOMM_DEBUG=1 shows where it fails.'
    )


def test_code_that_belongs_to_no_module_is_no_obstacle():
    place: dict = {}
    exec('def fail():\n    raise KeyError(1)', place)  # as what generates functions may do
    with pytest.raises(KeyError) as caught:
        place['fail']()
    assert user_message(caught.value) is start_message(caught.value) is None
    assert unknown_message(caught.value).startswith('KeyError: 1 (<string>, line 2)')
