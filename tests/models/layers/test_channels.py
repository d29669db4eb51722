import pytest
import torch

from egomm.models import ConcatFusion, GatedFusion, MidLevelFusion, SumFusion, UnimodalHeads
from egomm.models.layers.channels import check_channels
from egomm.structures import Stream

STREAMS = {'rgb': Stream(torch.zeros(2, 8, 1)), 'flow': Stream(torch.zeros(2, 4))}


def test_streams_that_are_not_read_do_not_matter():
    check_channels('Neck', {'rgb': 8}, STREAMS)


@pytest.mark.parametrize(
    'wanted, words',
    [
        (dict(rgb=8, audio=8), r"Neck .*gets \['flow', 'rgb'\]: \['audio'\] missing\. Add a back"),
        (dict(rgb=8, flow=8), r"'flow': 8}, but gets .*'flow': 4} channels\. Set `in_channels`"),
    ],
)
def test_error_names_the_stream_and_both_numbers(wanted, words):
    with pytest.raises(ValueError, match=words):
        check_channels('Neck', wanted, STREAMS)


@pytest.mark.parametrize(
    'build',
    [
        lambda: ConcatFusion(in_channels={}),
        lambda: SumFusion(in_channels={}, out_channels=2),
        lambda: GatedFusion(in_channels={}, out_channels=2, gate='own_and_rest'),
        lambda: MidLevelFusion(in_channels={}),
        lambda: UnimodalHeads(in_channels={}, num_classes=dict(verb=2)),
    ],
)
def test_a_component_without_any_modality_is_refused_when_it_is_built(build):
    with pytest.raises(ValueError, match=r'in_channels with at least one modality; got \{\}'):
        build()
