import math

import pytest
import torch

from egomm.functional.positions import sine_positions


def test_each_axis_has_its_own_channels():
    table = sine_positions((2, 3, 1), 12)
    assert table.shape == (12, 2, 3, 1)
    # Axis 0 owns channels 0..3: sine and cosine at frequency 1, then at 10000^-0.5 = 0.01.
    angle = torch.tensor([math.pi, 2 * math.pi])
    torch.testing.assert_close(table[0, :, 0, 0], angle.sin(), atol=1e-6, rtol=0)
    torch.testing.assert_close(table[3, :, 2, 0], (angle * 0.01).cos())
    assert (table[:4] == table[:4, :, :1]).all()
    assert (table[4:8] == table[4:8, :1]).all()


def test_channels_left_over_are_zero():
    assert sine_positions((4, 4, 4), 8)[6:].abs().max() == 0


def test_too_few_channels_are_refused():
    with pytest.raises(ValueError, match='at least 2 channels for each of 3 axes; got 5'):
        sine_positions((1, 1, 1), 5)
