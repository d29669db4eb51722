"""Long toy videos, moments found in what the quickstart's recognizer sees of them, on a CPU.

Run:     bash tools/quickstart.sh, which makes its data and calls
         python tools/train.py configs/toy/moments_mq.py
Cost:    21 s of processor time (one run)
Expect:  0.508 / 0.619 (average mAP / R@1x at 0.5 on 12 clips of unseen people, seed 0, fresh clone;
         an earlier run gave 0.520 / 0.643)
Source:  configs/toy/asl_mq.py, made smaller.
"""

_base_ = './asl_mq.py'

changes = dict(
    data_root='data/toy_moments/', sources=dict(_delete_=True, toy=dict(path='features'))
)
train_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False, dataset=changes)
val_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False, dataset=changes)
test_dataloader = val_dataloader
channels = 32
model = dict(
    backbones=dict(
        _delete_=True, toy=dict(type='FeatureProjection', in_channels=192, out_channels=channels)
    ),
    neck=dict(
        in_channels=dict(_delete_=True, toy=channels),
        channels=channels,
        stem_blocks=1,
        temporal_share=None,
    ),
    heads=dict(moment=dict(in_channels=channels, num_layers=1)),
)
optim_wrapper = dict(optimizer=dict(lr=4e-3))
