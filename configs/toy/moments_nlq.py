"""Long toy videos, questions answered from what the quickstart's recognizer sees of them, on a CPU.

Run:     bash tools/quickstart.sh, or its step 5 by hand
Cost:
Expect:
Source:  configs/toy/asl_nlq.py, made smaller.
"""

_base_ = './asl_nlq.py'

changes = dict(
    data_root='data/toy_moments/', sources=dict(_delete_=True, toy=dict(path='features'))
)
train_dataloader = dict(batch_size=16, num_workers=0, persistent_workers=False, dataset=changes)
val_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False, dataset=changes)
test_dataloader = val_dataloader
channels = 32
model = dict(
    backbones=dict(
        _delete_=True,
        toy=dict(type='FeatureProjection', in_channels=192, out_channels=channels),
        words=dict(type='TokenEmbedding', num_tokens=4096, out_channels=32),
    ),
    neck=dict(
        in_channels=dict(_delete_=True, toy=channels),
        channels=channels,
        stem_blocks=1,
        temporal_share=None,
    ),
    heads=dict(query=dict(in_channels=channels, num_layers=1)),
)
optim_wrapper = dict(optimizer=dict(lr=4e-3))
