import pytest
import torch

from egomm.models.ensemble import LocalizationEnsemble
from egomm.registry import MODELS
from egomm.structures import EgoSample, Stream

GRID = dict(grid=(2.0, 1.0, 1.0), duration=8.0)


def ensemble(count=2, **more):
    ranges = [(0, 4), (2, 100)]
    head = dict(type='LocalizationHead', in_channels=8, num_classes=3, ranges=ranges)
    config = dict(
        type='LocalizationEnsemble',
        count=count,
        backbones=dict(ego=dict(type='FeatureProjection', in_channels=4, out_channels=8)),
        neck=dict(
            type='TemporalPyramid',
            in_channels=dict(ego=8),
            channels=8,
            num_heads=2,
            stem_blocks=1,
            levels=2,
            max_length=16,
        ),
        heads=dict(moment=head),
    )
    return {**config, **more}


def batch():
    mask = torch.ones(2, 16, dtype=torch.bool)
    mask[1, 12:] = False
    return {'ego': Stream(torch.randn(2, 4, 16), mask)}, [
        EgoSample(metainfo=GRID) for _ in range(2)
    ]


def test_raw_outputs_are_averaged_and_decoded_once():
    both = MODELS.build(ensemble()).eval()
    for model in both.members:
        torch.nn.init.normal_(model.heads['moment'].classes.weight)
    inputs, samples = batch()
    with torch.no_grad():
        found = [sample.pred['moment'] for sample in both(inputs, samples, 'predict')]
        streams = [model.extract(inputs)['pyramid'] for model in both.members]
        heads = [model.heads['moment'] for model in both.members]
        raw = [head(stream) for head, stream in zip(heads, streams)]
        logits, offsets = ((first + second) / 2 for first, second in zip(*raw))
        wanted = heads[0].decode(logits, offsets, streams[0].mask, [GRID] * 2)
    for got, answer in zip(found, wanted):
        assert got.keys() == answer.keys()
        assert len(got['scores'])
        for key in answer:
            torch.testing.assert_close(got[key], answer[key])


def test_members_start_apart_and_their_losses_have_their_names():
    model = MODELS.build(ensemble())
    assert isinstance(model, LocalizationEnsemble)
    first, second = (member.neck.state_dict() for member in model.members)
    assert any(not torch.equal(first[name], second[name]) for name in first)
    inputs, samples = batch()
    for sample in samples:
        sample.gt = {'moment': dict(segments=torch.tensor([[1.0, 5.0]]), labels=torch.tensor([0]))}
    losses = model(inputs, samples, 'loss')
    assert {name.partition('/')[0] for name in losses} == {'member0', 'member1'}
    assert 'member1/moment/loss_class' in losses
    assert ['pyramid' in outputs for outputs in model(inputs)] == [True, True]


def test_what_makes_no_ensemble_is_refused():
    with pytest.raises(ValueError, match='count >= 2; got 1'):
        MODELS.build(ensemble(count=1))
    classes = dict(type='ClassificationHead', in_channels=8, num_classes=3, source='pyramid')
    with pytest.raises(ValueError, match="head 'verb' is a ClassificationHead"):
        MODELS.build(ensemble(heads=dict(verb=classes)))
    with pytest.raises(ValueError, match="'loss' or 'predict'; got 'x'"):
        MODELS.build(ensemble())({}, [], 'x')
