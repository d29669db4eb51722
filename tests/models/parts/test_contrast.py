import pytest
import torch

from egomm.functional.contrast import frame_text_nce
from egomm.models.parts.contrast import FrameTextContrast
from egomm.structures import Stream


def outputs():
    return dict(
        frames=Stream(torch.randn(2, 4, 6, requires_grad=True)),
        encoded_words=Stream(torch.randn(2, 4, 3)),
    )


def test_frames_within_the_answer_are_positive():
    part, made = FrameTextContrast(task='query', weight=5.0), outputs()
    targets = dict(query=[dict(segments=torch.tensor([[1.5, 3.0]])), None])
    positive = torch.tensor([[False, False, True, True, False, False], [False] * 6])
    ones = torch.ones(2, 6, dtype=torch.bool)
    expected = frame_text_nce(
        made['frames'].x, ones, made['encoded_words'].x, ones[:, :3], positive
    )
    assert part(made) is made
    torch.testing.assert_close(part.loss(made, targets)['loss'], 5 * expected[0])


def test_a_batch_without_answers_has_a_graph():
    made = outputs()
    loss = FrameTextContrast(task='query').loss(made, dict(query=[None, None]))['loss']
    loss.backward()
    assert loss.item() == 0
    assert not made['frames'].x.grad.any()


def test_what_is_missing_is_named():
    made = outputs()
    del made['encoded_words']
    with pytest.raises(ValueError, match=r"got \['frames'\] and targets of \['query'\]"):
        FrameTextContrast(task='query').loss(made, dict(query=[None]))
    with pytest.raises(ValueError, match=r"targets of 'query'; got .* targets of \['moment'\]"):
        FrameTextContrast(task='query').loss(outputs(), dict(moment=[None]))


@pytest.mark.parametrize('options', [dict(weight=-1), dict(temperature=0)])
def test_numbers_without_a_meaning_are_refused(options):
    with pytest.raises(ValueError, match='FrameTextContrast wants weight >= 0 and temperature > 0'):
        FrameTextContrast(task='query', **options)
