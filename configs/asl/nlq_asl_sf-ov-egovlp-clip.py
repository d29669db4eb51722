"""Queries on SlowFast, Omnivore, CLIP and EgoVLP features, with action sensitivity.

Run:     python tools/train.py configs/asl/nlq_asl_sf-ov-egovlp-clip.py
Cost:    <GPU hours, once measured>
Expect:  <validation R@1 at 0.3 / 0.5, once measured>
         (the paper reports 16.93 / 11.36)
Source:  arXiv:2306.09172, Table 3.
"""

_base_ = './nlq_asl_sf-ov-clip.py'

sources = dict(
    egovlp=dict(path='features/egovlp', dim=256, fps=30, stride=16, window=16, per='clip')
)
model = dict(
    backbones=dict(egovlp=dict(type='FeatureProjection', in_channels=256, out_channels=256)),
    neck=dict(in_channels=dict(egovlp=256)),
)
train_dataloader = dict(dataset=dict(sources=sources))
val_dataloader = dict(dataset=dict(sources=sources))
test_dataloader = val_dataloader
