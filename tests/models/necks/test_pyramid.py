import pytest
import torch

from egomm.models.layers.masked import step_mask
from egomm.registry import MODELS
from egomm.structures import Stream


def pyramid(**options):
    base = dict(
        type='TemporalPyramid',
        in_channels=dict(ego=3, slow=5),
        channels=8,
        num_heads=2,
        stem_blocks=2,
        levels=3,
        max_length=16,
    )
    return MODELS.build({**base, **options})


def streams(length, mask=None, batch=2):
    return dict(
        ego=Stream(torch.randn(batch, 3, length), mask),
        slow=Stream(torch.randn(batch, 5, length), mask),
    )


def scramble(net):
    """Weights that make a leak of padding visible."""
    for name, value in net.named_parameters():
        if 'scale' in name or 'norm' in name:
            torch.nn.init.normal_(value)
    return net.eval()


def cut(stream, lengths, wanted):
    """The first positions of each level of a pyramid."""
    parts = stream.x.split(lengths, dim=2)
    return torch.cat([part[..., :size] for part, size in zip(parts, wanted)], dim=2)


def test_levels_follow_one_another_and_each_is_half_as_long():
    outputs = pyramid()(streams(16))
    assert outputs['pyramid'].x.shape == (2, 8, 16 + 8 + 4)
    assert outputs['pyramid'].mask.all()
    torch.testing.assert_close(outputs['frames'].x, outputs['pyramid'].x[..., :16])


def test_a_length_that_does_not_halve_is_padded():
    outputs = pyramid()(streams(13))
    mask = outputs['pyramid'].mask[0]
    assert outputs['pyramid'].x.shape[2] == 16 + 8 + 4
    assert [part.sum().item() for part in mask.split([16, 8, 4])] == [13, 7, 4]


@pytest.mark.parametrize(
    'options', [dict(), dict(relative=True), dict(temporal_share=None, window=3)]
)
def test_padding_changes_nothing_real(options):
    net = scramble(pyramid(**options))
    short = streams(12, batch=1)
    alone = net(short)['pyramid']
    longer = {
        name: Stream(
            torch.cat([stream.x, torch.randn(1, stream.x.shape[1], 4)], 2),
            torch.arange(16)[None] < 12,
        )
        for name, stream in short.items()
    }
    padded = net(longer)['pyramid']
    torch.testing.assert_close(cut(padded, [16, 8, 4], [12, 6, 3]), alone.x, atol=1e-4, rtol=1e-4)
    assert not padded.x.masked_fill(padded.mask[:, None], 0).any()


@pytest.mark.parametrize('relative', [False, True])
def test_a_clip_with_nothing_real_gives_zeros_and_finite_gradients(relative):
    net = pyramid(relative=relative)
    mask = torch.tensor([[True] * 8, [False] * 8])
    out = net(streams(8, mask))['pyramid']
    out.x.square().sum().backward()
    assert not out.x[1].any()
    assert all(value.grad.isfinite().all() for value in net.parameters())


def test_a_missing_source_is_zeros_and_gets_no_gradient():
    net = pyramid()
    inputs = streams(8)
    x = inputs['slow'].x.requires_grad_()
    inputs['slow'] = Stream(x, torch.tensor([True, False]))
    net(inputs)['pyramid'].x.square().sum().backward()
    assert x.grad[0].any()
    assert not x.grad[1].any()
    assert step_mask(net(inputs)['frames']).all()


@pytest.mark.parametrize('relative', [False, True])
def test_everything_that_is_registered_learns(relative):
    words = dict(source='words', in_channels=4, num_layers=1)
    net = pyramid(words=words, relative=relative, dropout=0.0, drop_path=0.0)
    outputs = net({**streams(16), 'words': Stream(torch.randn(2, 4, 5))})
    (outputs['pyramid'].x * torch.randn(28)).square().sum().backward()
    assert [name for name, value in net.named_parameters() if not value.grad.any()] == []


def test_the_relative_layer_is_not_seen_by_level_0():
    net = pyramid(relative=True).eval()
    inputs = streams(16)
    before = net(inputs)['pyramid'].x
    torch.nn.init.normal_(net.relative.out.weight)
    after = net(inputs)['pyramid'].x
    torch.testing.assert_close(before[..., :16], after[..., :16])
    assert not torch.allclose(before[..., 16:], after[..., 16:])


def test_words_change_the_answer_of_their_own_clip_alone():
    net = scramble(pyramid(words=dict(source='words', in_channels=4, num_layers=1)))
    inputs = streams(8)
    words = torch.randn(2, 4, 3)
    one = net({**inputs, 'words': Stream(words)})['pyramid'].x
    words = torch.cat([words[:1], torch.randn(1, 4, 3)])
    other = net({**inputs, 'words': Stream(words)})
    torch.testing.assert_close(one[0], other['pyramid'].x[0])
    assert not torch.allclose(one[1], other['pyramid'].x[1])
    assert other['encoded_words'].x.shape == (2, 8, 3)


def test_the_position_code_is_stretched_for_longer_clips():
    net = pyramid(max_length=4)
    code = net._code(8)
    assert code.shape == (8, 8)
    # Steps 3 and 4 of 8 lie a quarter of a step before and after the middle of 1 and 2.
    torch.testing.assert_close(code[:, 3] + code[:, 4], net._code(4)[:, 1] + net._code(4)[:, 2])


def test_errors_name_what_is_wrong():
    inputs = streams(8)
    inputs['slow'] = Stream(torch.randn(2, 5, 9))
    with pytest.raises(ValueError, match=r"sources of one length; got \{'ego': 8, 'slow': 9\}"):
        pyramid()(inputs)
    with pytest.raises(ValueError, match=r"\['slow'\] missing"):
        pyramid()(dict(ego=inputs['ego']))
    with pytest.raises(ValueError, match='levels=0 and stem_blocks=2'):
        pyramid(levels=0)
    with pytest.raises(ValueError, match='TemporalPyramid wants in_channels with at least one'):
        pyramid(in_channels={})
    for options in (
        dict(num_heads=3),
        dict(temporal_share=2),
        dict(drop_path=1),
        dict(window=0),
        dict(window=4),
        dict(max_length=0),
    ):
        with pytest.raises(ValueError, match='num_heads divides, .* max_length >= 1; got 8'):
            pyramid(**options)
    with pytest.raises(ValueError, match=r'words=dict\(source=..., in_channels=..., num_layers'):
        pyramid(words=dict(source='words'))
