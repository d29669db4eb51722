"""Generated features, queries with words that are learned here, on a CPU.

Run:     python tools/make_toy_features.py data/toy_features
         python tools/train.py configs/toy/asl_nlq.py
Cost:    2 minutes on 2 shared cores (one run)
Expect:  0.951 / 0.903 (R@1 at 0.3 / 0.5 on 103 queries, seed 0, one run)
Source:  configs/asl/nlq_asl_sf-ov-egovlp-clip.py, made small; no files of word vectors.
"""

_base_ = [
    '../_base_/models/asl_nlq.py',
    '../_base_/datasets/ego4d_nlq.py',
    '../_base_/schedules/asl_15e.py',
    '../_base_/default_runtime.py',
]

both = dict(ego=dict(path='features/ego'), slow=dict(path='features/slow'))
changes = dict(
    data_root='data/toy_features/',
    sources=dict(_delete_=True, **both),
    words=dict(_delete_=True, num_tokens=4096),
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
        words=dict(type='TokenEmbedding', num_tokens=4096, out_channels=32),
    ),
    neck=dict(
        in_channels=dict(_delete_=True, ego=32, slow=32),
        channels=channels,
        num_heads=4,
        stem_blocks=2,
        levels=6,
        max_length=128,
        words=dict(in_channels=32, num_layers=1),
    ),
    heads=dict(
        query=dict(
            in_channels=channels,
            ranges=[(0, 4), (2, 8), (4, 16), (8, 32), (16, 64), (32, 10000)],
            loss=dict(start=60.0),
        )
    ),
)
train_cfg = dict(val_begin=15)
optim_wrapper = dict(optimizer=dict(lr=2e-3, fused=False))
# A hundred steps: an average over a thousand would still be the start.
custom_hooks = [dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.05)]
