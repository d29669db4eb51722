"""One encoding for all subsets gives what a test with the other modalities dropped gives."""

import pytest
import torch

from egomm.apis.subsets import non_empty_subsets, predict_subsets, score_subsets
from egomm.registry import MODELS
from egomm.structures import EgoSample

CHANNELS = dict(rgb=3, flow=2, audio=1)
NECKS = {
    'query': dict(
        type='QueryFusion',
        in_channels=dict.fromkeys(CHANNELS, 4),
        out_channels=4,
        tasks=('verb', 'noun'),
        num_heads=2,
    ),
    'concat': dict(type='ConcatFusion', in_channels=dict.fromkeys(CHANNELS, 4)),
}
NECKS['deep query'] = dict(NECKS['query'], num_layers=2, norm=True)
# What each of the five clips has; the last two lack what some subset consists of.
PRESENT = dict(
    rgb=[True, True, False, True, False],
    flow=[True, False, True, False, False],
    audio=[True, True, True, False, True],
)


def model(neck):
    concat = NECKS[neck]['type'] == 'ConcatFusion'
    parts = dict(
        data_preprocessor=dict(
            type='EgoDataPreprocessor',
            modalities={
                name: dict(mean=[100.0] * count, std=[50.0] * count)
                for name, count in CHANNELS.items()
            },
        ),
        backbones={
            name: dict(
                type='WrappedBackbone',
                model=dict(
                    type='torch.nn.Conv3d', in_channels=count, out_channels=4, kernel_size=(1, 2, 2)
                ),
            )
            for name, count in CHANNELS.items()
        },
        heads={
            task: dict(
                type='ClassificationHead',
                in_channels=12 if concat else 4,
                num_classes=classes,
                source='fused' if concat else task,
            )
            for task, classes in (('verb', 3), ('noun', 5))
        },
    )
    built = MODELS.build(dict(type='MultiIOModel', neck=NECKS[neck], **parts))
    for parameter in built.heads.parameters():
        torch.nn.init.normal_(parameter)
    return built.eval()


def batch():
    generator = torch.Generator().manual_seed(1)
    return dict(
        inputs={
            name: list(torch.randint(0, 255, (5, count, 2, 4, 4), generator=generator))
            for name, count in CHANNELS.items()
        },
        present=PRESENT,
        data_samples=[
            EgoSample(metainfo=dict(narration_id=f'clip_{row}'), gt=dict(verb=row % 3, noun=row))
            for row in range(5)
        ],
    )


def test_subsets_are_all_but_the_empty_one():
    assert non_empty_subsets('ab') == [('a', 'b'), ('a',), ('b',)]
    assert len(non_empty_subsets(CHANNELS)) == 7


@pytest.mark.parametrize('neck', NECKS)
def test_a_subset_equals_a_test_with_the_others_dropped(neck):
    net, subsets = model(neck), non_empty_subsets(CHANNELS)
    found = predict_subsets(net, [batch(), batch()], subsets)
    for subset in subsets:
        net.data_preprocessor.drop = tuple(name for name in CHANNELS if name not in subset)
        with torch.no_grad():
            dropped = {sample.narration_id: sample.pred for sample in net.test_step(batch())}
        has = [row for row in range(5) if any(PRESENT[name][row] for name in subset)]
        assert [sample['narration_id'] for sample in found[subset]] == [
            f'clip_{row}' for row in has
        ] * 2
        for sample in found[subset]:
            wanted = dropped[sample['narration_id']]
            torch.testing.assert_close(sample['pred'], wanted, rtol=1e-5, atol=1e-6)


def test_without_task_tokens_as_keys_an_empty_clip_is_no_error():
    net = model('query')
    net.neck.task_tokens_as_keys = False
    found = predict_subsets(net, [batch()], [('flow',)])
    assert [sample['narration_id'] for sample in found['flow',]] == ['clip_0', 'clip_2']


def test_rows_say_what_was_left_out_and_the_best_comes_first():
    def sample(verb, noun):
        return dict(gt=dict(verb=0, noun=0), pred=dict(verb=verb, noun=noun))

    right, wrong = [1.0, 0.0], [0.0, 1.0]
    rows = score_subsets(
        {
            ('rgb', 'audio'): [sample(right, right), sample(right, wrong), sample(wrong, wrong)],
            ('rgb',): [sample(right, right), dict(gt=dict(verb=0), pred={})],
            ('audio',): [],
        },
        total=3,
    )
    assert [row['modalities'] for row in rows] == [['rgb'], ['rgb', 'audio'], ['audio']]
    assert [(row['clips'], row['excluded']) for row in rows] == [(1, 1), (3, 0), (0, 3)]
    assert rows[1]['top1'] == pytest.approx(dict(verb=200 / 3, noun=100 / 3, action=100 / 3))
    assert rows[2]['top1'] == rows[2]['mean_class_accuracy'] == {}
