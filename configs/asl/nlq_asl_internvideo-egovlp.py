"""Queries on EgoVLP and InternVideo features, with action sensitivity.

Run:     python tools/train.py configs/asl/nlq_asl_internvideo-egovlp.py
Cost:    <GPU hours, once measured>
Expect:  <validation R@1 at 0.3 / 0.5, once measured>
         (the paper reports 22.62 / 15.64)
Source:  arXiv:2306.09172, Table 3.
"""

_base_ = './nlq_asl_sf-ov-clip.py'

# Window and stride of InternVideo are not published; these are EgoVLP's.
per_clip = dict(fps=30, stride=16, window=16, per='clip')
sources = dict(
    _delete_=True,
    egovlp=dict(path='features/egovlp', dim=256, **per_clip),
    internvideo=dict(path='features/internvideo', dim=1024, **per_clip),
)
model = dict(
    backbones=dict(
        _delete_=True,
        egovlp=dict(type='FeatureProjection', in_channels=256, out_channels=256),
        internvideo=dict(type='FeatureProjection', in_channels=1024, out_channels=512),
        words=dict(type='torch.nn.Identity'),
    ),
    neck=dict(in_channels=dict(_delete_=True, egovlp=256, internvideo=512)),
)
train_dataloader = dict(dataset=dict(sources=sources))
val_dataloader = dict(dataset=dict(sources=sources))
test_dataloader = val_dataloader
