"""Moments on four sources, as the released code has it where it differs from the paper.

Run:     python tools/train.py configs/asl/mq_asl_official-repo.py
Cost:    <GPU hours, once measured>
Expect:  <validation average mAP / R@1x at 0.5, once measured>
Source:  baseline.yaml of github.com/JonnyS1226/ego4d_asl: ten levels, a relative-position layer,
         the clip-level loss, distances over stride and length, padding that leaks.
"""

_base_ = './mq_asl_sf-ov-egovlp.py'

# Window and stride are not published; these are EgoVLP's. Write a manifest if yours differ.
sources = dict(
    internvideo=dict(
        path='features/internvideo', dim=1024, fps=30, stride=16, window=16, per='clip'
    )
)
model = dict(
    backbones=dict(internvideo=dict(type='FeatureProjection', in_channels=1024, out_channels=512)),
    neck=dict(in_channels=dict(internvideo=512), levels=10, relative=True, leaky_padding=True),
    heads=dict(
        moment=dict(
            ranges=[
                *((0, 4), (2, 8), (4, 16), (8, 32), (16, 64), (32, 128), (64, 256)),
                *((128, 512), (256, 1024), (512, 10000)),
            ],
            loss=dict(sensitivity=dict(form='official_repo'), presence_weight=0.2),
            decoding=dict(max_segments=200),
        )
    ),
)
train_dataloader = dict(dataset=dict(sources=sources))
val_dataloader = dict(dataset=dict(sources=sources))
test_dataloader = val_dataloader
