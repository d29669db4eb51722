"""Toy kitchen, RGB + flow + audio, with a component of one's own in every place.

Run:     python tools/train.py projects/example/mimo_example.py
Cost:    <once measured>    Expect: <once measured>
Source:  an example of components of one's own.
"""

_base_ = '../../configs/toy/mimo_concat.py'
custom_imports = dict(imports=['projects.example.components'], allow_failed_imports=False)

head = dict(type='CosineHead', in_channels=32, loss=dict(_delete_=True, type='FocalCrossEntropy'))
model = dict(
    backbones={
        name: dict(_delete_=True, type='PatchNet', in_channels=count, channels=32)
        for name, count in dict(rgb=3, flow=2, audio=1).items()
    },
    neck=dict(_delete_=True, type='LateMax'),
    heads=dict(verb=head, noun=head),
)
train_dataloader = dict(
    dataset=dict(
        type='ShortClips',
        seconds=3.0,
        pipeline=dict(resize=dict(_delete_=True, type='RandomGrey', prob=0.2)),
    )
)
val_evaluator = [_base_.val_evaluator, dict(type='MeanRank', prefix='example')]
test_evaluator = val_evaluator
custom_hooks = [dict(type='WeightNormHook', interval=5)]
