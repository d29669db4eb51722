"""Moments on EgoVLP, SlowFast and Omnivore features, with action sensitivity.

Run:     python tools/train.py configs/asl/mq_asl_sf-ov-egovlp.py
Cost:    <GPU hours, once measured>
Expect:  <validation average mAP / R@1x at 0.5, once measured>
         (the paper reports 24.15 / 41.49)
Source:  arXiv:2306.09172, Table 1.
"""

_base_ = './mq_asl_egovlp.py'

official = dict(fps=30, stride=16, window=32, per='video')
sources = dict(
    slowfast=dict(path='features/slowfast8x8_r101_k400', dim=2304, **official),
    omnivore=dict(path='features/omnivore_video_swinl', dim=1536, **official),
)
model = dict(
    backbones=dict(
        slowfast=dict(type='FeatureProjection', in_channels=2304, out_channels=128),
        omnivore=dict(type='FeatureProjection', in_channels=1536, out_channels=128),
    ),
    neck=dict(in_channels=dict(slowfast=128, omnivore=128)),
)
train_dataloader = dict(dataset=dict(sources=sources))
val_dataloader = dict(dataset=dict(sources=sources))
test_dataloader = val_dataloader
