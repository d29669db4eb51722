"""Generated features, moments with action sensitivity, on a CPU.

Run:     python tools/make_toy_features.py data/toy_features
         python tools/train.py configs/toy/asl_mq.py
Cost:    1 minute on 2 shared cores (one run)
Expect:  0.880 / 0.891 (average mAP / R@1x at 0.5 on 24 clips, seed 0, one run)
Source:  configs/asl/mq_asl_sf-ov-egovlp.py, made small.
"""

_base_ = [
    '../_base_/models/asl_mq.py',
    '../_base_/datasets/ego4d_mq.py',
    '../_base_/schedules/asl_15e.py',
    '../_base_/default_runtime.py',
]

both = dict(ego=dict(path='features/ego'), slow=dict(path='features/slow'))
changes = dict(
    data_root='data/toy_features/',
    classes='annotations/moment_classes.txt',
    sources=dict(_delete_=True, **both),
    length=128,
)
train_dataloader = dict(batch_size=8, num_workers=2, dataset=changes)
val_dataloader = dict(num_workers=2, dataset=changes)
test_dataloader = val_dataloader
channels = 64
model = dict(
    backbones=dict(
        _delete_=True,
        ego=dict(type='FeatureProjection', in_channels=16, out_channels=32),
        slow=dict(type='FeatureProjection', in_channels=24, out_channels=32),
    ),
    neck=dict(
        in_channels=dict(_delete_=True, ego=32, slow=32),
        channels=channels,
        num_heads=4,
        stem_blocks=2,
        levels=6,
        max_length=128,
    ),
    heads=dict(
        moment=dict(
            in_channels=channels,
            num_classes=12,
            ranges=[(0, 4), (2, 8), (4, 16), (8, 32), (16, 64), (32, 10000)],
            loss=dict(start=60.0),
        )
    ),
)
train_cfg = dict(val_begin=15)
optim_wrapper = dict(optimizer=dict(lr=2e-3, fused=False))
# A hundred steps: an average over a thousand would still be the start.
custom_hooks = [dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.05)]
