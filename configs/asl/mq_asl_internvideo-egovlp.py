"""Moments on EgoVLP and InternVideo features, with action sensitivity.

Run:     python tools/train.py configs/asl/mq_asl_internvideo-egovlp.py
Cost:    <GPU hours, once measured>
Expect:  <validation average mAP / R@1x at 0.5, once measured>
         (the paper reports 27.85 / 46.98)
Source:  arXiv:2306.09172, Table 1.
"""

_base_ = './mq_asl_egovlp.py'

# Window and stride are not published; these are EgoVLP's. Write a manifest if yours differ.
sources = dict(
    internvideo=dict(
        path='features/internvideo', dim=1024, fps=30, stride=16, window=16, per='clip'
    )
)
model = dict(
    backbones=dict(internvideo=dict(type='FeatureProjection', in_channels=1024, out_channels=512)),
    neck=dict(in_channels=dict(internvideo=512)),
)
train_dataloader = dict(dataset=dict(sources=sources))
val_dataloader = dict(dataset=dict(sources=sources))
test_dataloader = val_dataloader
