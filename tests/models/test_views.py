import pytest
import torch
from mmengine.model import ModuleDict

from egomm.models.heads.classification import ClassificationHead
from egomm.models.views import average_views
from egomm.structures import EgoSample

HEADS = ModuleDict(dict(verb=ClassificationHead(in_channels=1, num_classes=2, source='x')))


def views():
    """Two views of one clip; probabilities 3/4 and 1/4, then 1/2 and 1/2."""
    probabilities = torch.tensor([[0.75, 0.25], [0.5, 0.5]])
    return [
        [
            EgoSample(
                metainfo=dict(narration_id='a'),
                pred=dict(verb=row.log() + 5, attention=torch.full((2,), float(number))),
            )
        ]
        for number, row in enumerate(probabilities)
    ]


def test_classes_by_log_probability_and_records_by_the_mean():
    (sample,) = average_views(views(), HEADS)
    expected = torch.tensor([0.75 * 0.5, 0.25 * 0.5]).log() / 2
    torch.testing.assert_close(sample.pred['verb'], expected)
    assert sample.pred['attention'].tolist() == [0.5, 0.5]
    assert set(sample.pred) == {'verb', 'attention'}
    assert sample.narration_id == 'a'


def test_single_views_are_kept_on_demand():
    given = views()
    before = [samples[0].pred for samples in given]
    (sample,) = average_views(given, HEADS, keep=True)
    assert sample.pred['views'] == before


def test_a_head_that_cannot_join_views_is_named():
    heads = ModuleDict(dict(**HEADS, hands=torch.nn.Identity()))
    with pytest.raises(ValueError, match=r"2 views a clip, but the heads of \['hands'\] cannot"):
        average_views(views(), heads)
