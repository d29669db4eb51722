"""Generated features, verbs, nouns and actions of EPIC-KITCHENS-100 (C2), on a CPU.

Run:     python tools/make_toy_features.py data/toy_features
         python tools/train.py configs/toy/asl_c2.py
Cost:    45 s of processor time (one run)
Expect:  0.777 / 0.835 / 0.757 (average mAP of verbs / nouns / actions on 24 videos, seed 0, one
         run)
Source:  configs/asl/c2_asl_action_slowfast.py, made small.
"""

_base_ = [
    '../_base_/models/asl_epic.py',
    '../_base_/datasets/epic100_c2.py',
    '../_base_/schedules/asl_15e.py',
    '../_base_/default_runtime.py',
]

changes = dict(
    data_root='data/toy_features/',
    sources=dict(_delete_=True, ego=dict(path='features/ego')),
)
train_dataloader = dict(batch_size=8, num_workers=2, dataset=dict(**changes, longest=200))
val_dataloader = dict(num_workers=2, dataset=changes)
test_dataloader = val_dataloader
channels = 64
model = dict(
    backbones=dict(
        _delete_=True, ego=dict(type='FeatureProjection', in_channels=16, out_channels=64)
    ),
    neck=dict(
        in_channels=dict(_delete_=True, ego=64),
        channels=channels,
        num_heads=4,
        stem_blocks=2,
        max_length=256,
    ),
    heads=dict(
        action=dict(
            type='LocalizationHead',
            in_channels=channels,
            num_classes=12,
            ranges=[(0, 4), (2, 8), (4, 16), (8, 32), (16, 64), (32, 10000)],
            loss=dict(sensitivity=dict(form='paper'), start=60.0),
        )
    ),
)
train_cfg = dict(val_begin=15)
optim_wrapper = dict(optimizer=dict(lr=2e-3, fused=False))
# A hundred steps: an average over a thousand would still be the start.
custom_hooks = [dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.05)]
