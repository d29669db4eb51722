import pytest
import torch

from egomm.registry import MODELS
from egomm.structures import EgoSample, Stream


def tiny(neck=None, source='verb', **kwargs):
    backbone = dict(type='WrappedBackbone', model=dict(type='torch.nn.Conv3d', kernel_size=1))
    return MODELS.build(
        dict(
            type='MultiIOModel',
            backbones={
                name: dict(backbone, model=dict(backbone['model'], in_channels=1, out_channels=4))
                for name in ('rgb', 'audio')
            },
            neck=neck
            or dict(
                type='QueryFusion',
                in_channels=dict(rgb=4, audio=4),
                out_channels=4,
                tasks=('verb',),
                num_heads=2,
            ),
            heads=dict(
                verb=dict(type='ClassificationHead', in_channels=4, num_classes=3, source=source)
            ),
            **kwargs,
        )
    )


def inputs(*names):
    return {name: Stream(torch.rand(2, 1, 2, 2, 2)) for name in names or ('rgb', 'audio')}


def test_losses_carry_their_task_and_only_losses_are_summed():
    model = tiny()
    losses = model(inputs(), [EgoSample(gt=dict(verb=1)), EgoSample()], mode='loss')
    assert set(losses) == {'verb/loss', 'verb/top1'}
    total, logged = model.parse_losses(losses)
    assert total.item() == losses['verb/loss'].item()
    assert set(logged) == {'loss', 'verb/loss', 'verb/top1'}


def test_predictions_land_in_the_samples_with_what_is_recorded():
    model = tiny(record=('attention',)).eval()
    samples = model(inputs(), [EgoSample(metainfo=dict(n=1)), EgoSample()], mode='predict')
    assert samples[0].metainfo == {'n': 1}
    assert samples[0].pred['verb'].shape == (3,)
    assert samples[1].pred['attention'].shape == (2, 1, 2)  # heads, tasks, modalities


def test_a_modality_the_batch_lacks_is_named():
    with pytest.raises(ValueError, match=r"batch carries \['rgb'\]: \['audio'\] missing"):
        tiny()(inputs('rgb'))


def test_a_head_that_reads_what_the_neck_does_not_give_is_told_what_there_is():
    with pytest.raises(ValueError, match=r"head 'verb' reads 'fused', but QueryFusion gives"):
        tiny(source='fused')(inputs())


def test_a_name_that_torch_takes_is_refused():
    with pytest.raises(ValueError, match='taken by torch'):
        MODELS.build(
            dict(
                type='MultiIOModel',
                backbones=dict(train=dict(type='torch.nn.Identity')),
                neck=dict(type='torch.nn.Identity'),
                heads=dict(verb=dict(type='torch.nn.Identity')),
            )
        )


def test_a_model_without_heads_is_refused():
    with pytest.raises(ValueError, match='at least one entry in `heads`'):
        MODELS.build(
            dict(
                type='MultiIOModel',
                backbones=dict(rgb=dict(type='torch.nn.Identity')),
                neck=dict(type='torch.nn.Identity'),
                heads={},
            )
        )


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="got 'train'"):
        tiny()(inputs(), mode='train')


def test_a_label_out_of_range_is_reported_with_its_head():
    with pytest.raises(ValueError, match=r"head 'verb': labels \[3\] are outside 0\.\.2"):
        tiny()(inputs(), [EgoSample(gt=dict(verb=3)), EgoSample()], mode='loss')


def test_a_backbone_that_is_no_config_is_named():
    with pytest.raises(ValueError, match=r"as backbones\['rgb'\]; got None\. Give it one, or"):
        MODELS.build(dict(type='MultiIOModel', backbones=dict(rgb=None), neck={}, heads={}))


def test_a_neck_that_expects_other_channels_says_so():
    neck = dict(type='ConcatFusion', in_channels=dict(rgb=4, audio=8))
    with pytest.raises(ValueError, match=r"ConcatFusion wants .*'audio': 8}.*'audio': 4} channels"):
        tiny(neck=neck, source='fused')(inputs())


CLASSIFIERS = dict(type='UnimodalHeads', in_channels=dict(rgb=4, audio=4), num_classes=dict(verb=3))
ALLOCATION = dict(type='AllocationLoss', tasks=('verb',), modalities=('rgb', 'audio'))


def test_parts_add_streams_before_the_neck_and_losses_under_their_own_name():
    parts = dict(unimodal=CLASSIFIERS, allocation=ALLOCATION, switched_off=None)
    model = tiny(parts=parts, record=('unimodal_verb',))
    losses = model(inputs(), [EgoSample(gt=dict(verb=1)), EgoSample()], mode='loss')
    assert {'unimodal/verb_loss', 'allocation/verb_loss'} < set(losses)
    total, _ = model.parse_losses(losses)
    assert total.item() == pytest.approx(
        sum(value.item() for name, value in losses.items() if name.endswith('loss'))
    )
    samples = model.eval()(inputs(), [EgoSample(), EgoSample()], mode='predict')
    assert samples[0].pred['unimodal_verb'].shape == (3, 2)  # classes, modalities


@pytest.mark.parametrize(
    'changes, words',
    [
        (dict(num_classes=dict(verbs=3)), r"num_classes \{'verbs': 3\}, .* have \{'verb': 3\}"),
        (dict(num_classes=dict(verb=2)), r"num_classes \{'verb': 2\}, .* have \{'verb': 3\}"),
        (dict(in_channels=dict(audio=4, rgb=4)), r"of \['audio', 'rgb'\], .*\['rgb', 'audio'\]"),
        (dict(tasks=('noun',)), r"tasks \['noun'\], but the neck has \['verb'\]"),
        (dict(modalities=('audio', 'rgb')), r"\['audio', 'rgb'\], but the neck has \['rgb', "),
        (dict(modalities=('rgb', 'sound')), r"\['rgb', 'sound'\], but the neck has"),
    ],
)
def test_parts_that_do_not_fit_the_model_are_refused_before_it_runs(changes, words):
    parts = dict(unimodal=CLASSIFIERS, allocation=ALLOCATION)
    name = 'unimodal' if {'num_classes', 'in_channels'} & set(changes) else 'allocation'
    with pytest.raises(ValueError, match=words):
        tiny(parts={**parts, name: {**parts[name], **changes}})


def test_a_loss_that_is_not_finite_stops_before_anything_is_updated():
    model = tiny()
    broken = inputs()
    broken['rgb'].x[0] = float('nan')
    losses = model(broken, [EgoSample(gt=dict(verb=1)), EgoSample()], mode='loss')
    with pytest.raises(ValueError, match=r'not finite: loss, verb/loss|not finite: verb/loss'):
        model.parse_losses(losses)


def packed(*seeds):
    """A batch of two clips as `pseudo_collate` leaves it, one for each seed: its views."""
    views = []
    for seed in seeds:
        torch.manual_seed(seed)
        clips = {name: [torch.rand(1, 2, 2, 2) for _ in range(2)] for name in ('rgb', 'audio')}
        samples = [EgoSample(metainfo=dict(n=n)) for n in range(2)]
        present = dict(rgb=[True, True], audio=[True, False])
        views.append(dict(inputs=clips, present=present, data_samples=samples))
    return views if len(views) > 1 else views[0]


def test_several_views_are_plain_tests_that_are_joined():
    modalities = {name: dict(mean=[0], std=[1]) for name in ('rgb', 'audio')}
    preprocessor = dict(type='EgoDataPreprocessor', modalities=modalities)
    model = tiny(record=('attention',), keep_views=True, data_preprocessor=preprocessor).eval()
    joined = model.test_step(packed(1, 2, 3))
    assert [sample.n for sample in joined] == [0, 1]
    for number, sample in enumerate(joined):
        plain = [model.test_step(packed(seed))[number].pred for seed in (1, 2, 3)]
        for name in ('verb', 'attention'):
            kept = torch.stack([view[name] for view in sample.pred['views']])
            alone = torch.stack([view[name] for view in plain])
            torch.testing.assert_close(kept, alone, rtol=0, atol=0)
        expected = torch.stack([view['verb'] for view in plain]).log_softmax(1).mean(0)
        torch.testing.assert_close(sample.pred['verb'], expected)
    assert model.val_step(packed(1))[0].pred.keys() == {'verb', 'attention'}


class Loose(torch.nn.Module):
    """Breaks a promise of `contracts`: gives what it was made with."""

    def __init__(self, given=None):
        super().__init__()
        self.given = given

    def forward(self, streams):
        return self.given

    def predict(self, stream, metas):
        return self.given

    def loss(self, stream, targets):
        return self.given


@pytest.mark.parametrize(
    'given, words',
    [
        (torch.tensor(1.0), 'gives a Tensor; wanted is a dict of scalars by name. Return {.loss'),
        (dict(value=torch.tensor(1.0)), r"gives \['value'\], of which nothing is minimised. Put"),
        ({}, r'gives \[\], of which nothing'),
        (dict(loss=torch.ones(2)), r"gives a Tensor of shape \(2,\) as 'loss'; .*global_mean"),
        (dict(loss=0.5), r"gives a float as 'loss'; wanted is .* without \.item\(\)"),
    ],
)
def test_a_loss_that_mmengine_would_misread_is_refused_with_its_head_or_part(given, words):
    samples = [EgoSample(gt=dict(verb=1)), EgoSample()]
    model = tiny()
    model.heads['verb'] = Loose(given)
    model.heads['verb'].source = 'verb'
    with pytest.raises(ValueError, match=f"head 'verb': `loss` {words}"):
        model(inputs(), samples, 'loss')
    if isinstance(given, dict) and 'loss' not in given:
        return  # a part needs none
    model = tiny(parts=dict(unimodal=CLASSIFIERS))
    model.parts['unimodal'].loss = lambda outputs, targets: given
    with pytest.raises(ValueError, match=rf"parts\['unimodal'\]: `loss` {words}"):
        model(inputs(), samples, 'loss')


def test_a_component_that_breaks_its_promise_is_named_with_what_it_gave():
    inputs = {name: Stream(torch.ones(2, 1, 2, 4, 4)) for name in ('rgb', 'audio')}

    model = tiny()
    model.backbones['rgb'] = Loose(torch.ones(2, 4))
    with pytest.raises(ValueError, match=r"backbones gives a Tensor as 'rgb'; wanted is a Stream"):
        model(inputs)
    model = tiny()
    model.neck = Loose(Stream(torch.ones(2, 4)))
    with pytest.raises(ValueError, match='neck gives a Stream; wanted is a dict of streams by nam'):
        model(inputs)
    model = tiny()
    model.heads['verb'] = Loose([0])
    model.heads['verb'].source = 'verb'
    with pytest.raises(ValueError, match="head 'verb' predicts 1 answers for 2 samples"):
        model(inputs, [EgoSample(), EgoSample()], 'predict')
    model.heads['verb'].given = None
    with pytest.raises(ValueError, match="head 'verb' predicts None for 2 samples. Return a list"):
        model(inputs, [EgoSample(), EgoSample()], 'predict')
    MODELS.register_module(module=Loose, force=True)
    with pytest.raises(ValueError, match=r"heads\['verb'\] \(Loose\) has no `source`.*contracts"):
        MODELS.build(
            dict(
                type='MultiIOModel',
                backbones=dict(rgb=dict(type='Loose')),
                neck=dict(type='Loose'),
                heads=dict(verb=dict(type='Loose')),
            )
        )
