import pytest
import torch
import torch.nn.functional as F

from egomm.models.mixing import ClipMixing
from egomm.registry import MODELS
from egomm.structures import EgoSample, Stream

ALL = torch.ones(4, dtype=torch.bool)


def clips(rows=4):
    """RGB of 8 x 12 pixels, flow at half the size, spectrograms; values tell the row."""
    row = torch.arange(1.0, rows + 1).view(-1, 1, 1, 1, 1)
    return {
        'rgb': Stream(row.expand(rows, 3, 2, 8, 12).clone()),
        'flow': Stream(row.expand(rows, 2, 2, 4, 6).clone()),
        'audio': Stream(row.expand(rows, 1, 2, 6, 6).clone()),
    }


def mixed(seed=0, labelled=ALL, inputs=None, **settings):
    torch.manual_seed(seed)
    return ClipMixing(**settings)(inputs or clips(len(labelled)), labelled)


def test_mixup_has_one_order_and_one_share_for_all_modalities():
    streams, mix = mixed(mixup=0.8)
    assert sorted(mix.partners.tolist()) == [0, 1, 2, 3] != mix.partners.tolist()
    assert 0 < mix.share < 1
    expected = mix.share * torch.arange(1.0, 5) + (1 - mix.share) * (mix.partners + 1)
    for stream in streams.values():
        assert stream.mask is None
        torch.testing.assert_close(
            stream.x.flatten(1), expected[:, None].expand_as(stream.x.flatten(1))
        )


@pytest.mark.parametrize('seed', range(5))
def test_cutmix_pastes_the_same_box_and_sums_the_sound(seed):
    streams, mix = mixed(seed, cutmix=1.0)
    own = torch.arange(1.0, 5)
    moved = mix.partners + 1 != own
    pasted = {
        name: streams[name].x[moved] != own[moved].view(-1, 1, 1, 1, 1) for name in ('rgb', 'flow')
    }
    box = pasted['rgb'][0, 0, 0]
    assert all(torch.equal(frame, box) for frame in pasted['rgb'].flatten(0, 2))
    assert 1 - box.float().mean().item() == pytest.approx(mix.share)  # exact for RGB
    rows, columns = box.any(1).nonzero(), box.any(0).nonzero()
    for edges, size, smaller in ((rows, 8, 4), (columns, 12, 6)):
        axis = 1 if edges is rows else 0
        half = pasted['flow'][0, 0, 0].any(axis).nonzero()
        if len(edges) and len(half):
            # Python's round, as of any edge between two pixels.
            assert half.min() == round(edges.min().item() * smaller / size)
            assert half.max() + 1 == round((edges.max().item() + 1) * smaller / size)
    sound = mix.share * own + (1 - mix.share) * (mix.partners + 1)
    torch.testing.assert_close(streams['audio'].x[:, 0, 0, 0, 0], sound)


def test_with_both_a_batch_draws_one_of_them():
    uncut = [
        bool((streams['rgb'].x == streams['rgb'].x[:, :1, :1, :1, :1]).all())
        for streams, _ in (mixed(seed, mixup=5.0, cutmix=5.0) for seed in range(12))
    ]
    assert {True, False} == set(uncut)


def test_the_process_generator_alone_decides():
    (_, one), (_, same), (_, other) = (mixed(seed, mixup=1.0) for seed in (1, 1, 2))
    assert one.share == same.share != other.share
    assert torch.equal(one.partners, same.partners)


def test_a_modality_that_one_of_two_has_is_there_at_its_share():
    inputs = clips(2)
    absent = torch.tensor([True, False])
    inputs['audio'] = Stream(inputs['audio'].x * torch.tensor([1.0, 0]).view(2, 1, 1, 1, 1), absent)
    seed = next(s for s in range(9) if mixed(s, ALL[:2], mixup=1.0)[1].partners[0] == 1)
    streams, mix = mixed(seed, ALL[:2], inputs, mixup=1.0)
    assert streams['audio'].mask.tolist() == [True, True]
    torch.testing.assert_close(
        streams['audio'].x[:, 0, 0, 0, 0], torch.tensor([mix.share, 1 - mix.share])
    )


def test_a_row_without_labels_stays_alone():
    labelled = torch.tensor([True, False, True, False])
    for seed in range(5):
        streams, mix = mixed(seed, labelled, mixup=1.0)
        assert mix.partners[[1, 3]].tolist() == [1, 3]
        assert {*mix.partners[[0, 2]].tolist()} == {0, 2}
        assert (streams['rgb'].x[1] == 2).all()


def test_a_share_of_zero_width_is_refused():
    with pytest.raises(ValueError, match='one of them above 0; got 0.0 and 0.0. Remove `mixing`'):
        ClipMixing()
    with pytest.raises(ValueError, match='got -1.0 and 1.0'):
        ClipMixing(mixup=-1.0, cutmix=1.0)


@pytest.mark.parametrize('plane', [('rgb', 'depth'), ()])
def test_cutmix_without_a_picture_is_refused(plane):
    with pytest.raises(ValueError, match=r'CutMix wants pictures .* use mixup'):
        mixed(cutmix=1.0, plane=plane)


def recognizer(dropout=0.0, **settings):
    width = dict(rgb=3, audio=1)
    return MODELS.build(
        dict(
            type='MultiIOModel',
            backbones={name: dict(type='torch.nn.Identity') for name in width},
            neck=dict(type='ConcatFusion', in_channels=width),
            heads={
                task: dict(
                    type='ClassificationHead',
                    in_channels=4,
                    num_classes=classes,
                    source='fused',
                    dropout=dropout,
                    loss=dict(type='SoftmaxCrossEntropy', label_smoothing=0.1),
                )
                for task, classes in dict(verb=3, noun=5).items()
            },
            **settings,
        )
    )


def random_clips(rows=4):
    return {
        'rgb': Stream(torch.randn(rows, 3, 2, 4, 4)),
        'audio': Stream(torch.randn(rows, 1, 2, 4, 4), torch.tensor([True, False, True, False])),
    }


SAMPLES = [
    EgoSample(gt=dict(verb=0, noun=4)),
    EgoSample(gt=dict(verb=1, noun=2)),
    EgoSample(gt=dict(verb=2)),
    EgoSample(),  # padding
]


def test_the_loss_is_cross_entropy_with_soft_labels_in_every_head():
    model = recognizer(mixing=dict(type='ClipMixing', mixup=0.8))
    inputs = random_clips()
    torch.manual_seed(3)
    losses = model(inputs, SAMPLES, mode='loss')
    torch.manual_seed(3)
    streams, mix = model.mixing(inputs, torch.tensor([True, True, True, False]))
    fused = model.extract(streams)['fused']
    for task, classes, rows in (('verb', 3, 3), ('noun', 5, 2)):
        logits = model.heads[task](fused)
        soft = torch.zeros(4, classes)
        for row, partner in enumerate(mix.partners.tolist()):
            for index, weight in ((row, mix.share), (partner, 1 - mix.share)):
                label = SAMPLES[index].gt.get(task)
                if label is not None:
                    smooth = 0.9 * F.one_hot(torch.tensor(label), classes) + 0.1 / classes
                    soft[row] += weight * smooth
        expected = -(soft * logits.log_softmax(1)).sum() / rows
        torch.testing.assert_close(losses[f'{task}/loss'], expected)


def test_both_labels_of_a_clip_see_the_same_dropout():
    model = recognizer(0.5, mixing=dict(type='ClipMixing', mixup=0.8))
    seen = []
    model.heads['verb'].linear.register_forward_hook(lambda _, args, __: seen.append(args[0]))
    model(random_clips(), SAMPLES, mode='loss')
    assert torch.equal(*seen)
    assert (seen[0] == 0).any()


def test_evaluation_is_not_mixed():
    model = recognizer(mixing=dict(type='ClipMixing', mixup=0.8)).eval()
    inputs = random_clips()
    plain = recognizer().eval()
    plain.load_state_dict(model.state_dict())
    for mode in ('loss', 'predict'):
        ours, theirs = (net(inputs, SAMPLES, mode=mode) for net in (model, plain))
        if mode == 'loss':
            torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    assert torch.equal(ours[0].pred['verb'], theirs[0].pred['verb'])


def test_unimodal_heads_learn_the_soft_labels_too():
    unimodal = dict(
        type='UnimodalHeads', in_channels=dict(rgb=3, audio=1), num_classes=dict(verb=3)
    )
    model = recognizer(mixing=dict(type='ClipMixing', mixup=0.8), parts=dict(unimodal=unimodal))
    inputs = random_clips()
    inputs['audio'] = Stream(inputs['audio'].x)
    torch.manual_seed(1)
    losses = model(inputs, SAMPLES[:2] + SAMPLES[:2], mode='loss')
    torch.manual_seed(1)
    streams, mix = model.mixing(inputs, ALL)
    logits = model.extract(streams)['unimodal_verb'].x
    label = torch.tensor([0, 1, 0, 1])
    first, second = (
        F.cross_entropy(logits, rows[:, None].expand(-1, 2), reduction='none').mean(0).sum()
        for rows in (label, label[mix.partners])
    )
    torch.testing.assert_close(
        losses['unimodal/verb_loss'], mix.share * first + (1 - mix.share) * second
    )


def test_the_allocating_loss_refuses_mixed_clips():
    parts = dict(
        allocation=dict(type='AllocationLoss', tasks=('verb',), modalities=('rgb', 'audio'))
    )
    with pytest.raises(ValueError, match=r"two labels, but the parts \['allocation'\]"):
        recognizer(mixing=dict(type='ClipMixing', mixup=0.8), parts=parts)
