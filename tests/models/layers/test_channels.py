import pytest
import torch

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
