"""What sees the toy kitchen's long videos: verb and noun of a clip from eight frames of RGB.

Run:     python tools/train.py configs/toy/moments_recognizer.py
         (tools/study.py asl makes the world of short clips that this learns from, and runs it)
Cost:    6 minutes on 2 shared cores (one run)
Expect:  51.2 / 94.0 / 47.6 (verb / noun / action top-1 on the 168 validation clips of that world,
         people unseen in training, seed 0, one run)
Source:  stands for the networks whose features the paper reads; nobody who is in its world is in
         the long videos.
"""

_base_ = [
    '../_base_/models/mimo_toy.py',
    '../_base_/datasets/toy_kitchen.py',
    '../_base_/schedules/toy.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbones=dict(_delete_=True, rgb=dict(type='SmallConvNet', in_channels=3)),
    neck=dict(_delete_=True, type='ConcatFusion', in_channels=dict(rgb=96)),
    heads=dict(
        verb=dict(source='fused', in_channels=96),
        noun=dict(source='fused', in_channels=96),
    ),
    record=(),
    data_preprocessor=dict(
        modalities=dict(
            _delete_=True, rgb=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
        )
    ),
)
data_root = 'data/study/recognizer/'
annotations = data_root + 'annotations/'
alone = dict(
    data_root=data_root,
    sources=dict(flow=None, audio=None),
    pipeline=dict(
        flow=None, audio=None, spectrogram=None, spectrogram_size=None, pack=dict(inputs=('rgb',))
    ),
)
train_dataloader = dict(batch_size=32, dataset=alone)
val_dataloader = dict(dataset=alone)
test_dataloader = val_dataloader
val_evaluator = dict(
    tail_verbs=annotations + 'EPIC_100_tail_verbs.csv',
    tail_nouns=annotations + 'EPIC_100_tail_nouns.csv',
    unseen=annotations + 'EPIC_100_unseen_participant_ids_validation.csv',
)
test_evaluator = val_evaluator
# Verbs, which are small marks on an object, are learned long after nouns.
epochs = 16
train_cfg = dict(max_epochs=epochs, val_interval=epochs)
warm_up, cosine = _base_.param_scheduler
param_scheduler = [warm_up, dict(cosine, end=epochs, T_max=epochs - cosine['begin'])]
