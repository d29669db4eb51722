"""Encoders for the study: every modality learns verb and noun by itself, on a world of its own.

Run:     python tools/train.py configs/toy/mimo_encoders.py
         (tools/study.py makes that world and runs this first)
Cost:    6 minutes on 2 cores (one run on a shared machine)
Expect:  61.9 / 84.8 / 52.4 (verb / noun / action top-1 on the 336 validation clips of that world,
         people unseen in training, seed 0, one run)
Source:  stands for the pre-training of the paper's encoders; participants, pairs and seed of
         the world differ from those of the study, and the evidence in it is stronger.
"""

_base_ = [
    '../_base_/models/mimo_toy.py',
    '../_base_/datasets/toy_kitchen.py',
    '../_base_/schedules/toy.py',
    '../_base_/default_runtime.py',
]


def small_conv(in_channels):
    return dict(_delete_=True, type='SmallConvNet', in_channels=in_channels)


channels = dict(rgb=96, flow=96, audio=96)
model = dict(
    backbones=dict(rgb=small_conv(3), flow=small_conv(2), audio=small_conv(1)),
    parts=dict(
        unimodal=dict(
            type='UnimodalHeads',
            in_channels=channels,
            num_classes=dict(verb=12, noun=16),
            detach=False,
        )
    ),
    neck=dict(_delete_=True, type='ConcatFusion', in_channels=channels),
    heads=dict(
        verb=dict(source='fused', in_channels=288), noun=dict(source='fused', in_channels=288)
    ),
    record=('unimodal_verb', 'unimodal_noun'),
)
data_root = 'data/study/pretrain/'
annotations = data_root + 'annotations/'
train_dataloader = dict(batch_size=32, dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
val_evaluator = dict(
    tail_verbs=annotations + 'EPIC_100_tail_verbs.csv',
    tail_nouns=annotations + 'EPIC_100_tail_nouns.csv',
    unseen=annotations + 'EPIC_100_unseen_participant_ids_validation.csv',
)
test_evaluator = val_evaluator
