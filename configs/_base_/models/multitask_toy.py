"""The multi-task model small enough for a CPU: four convolutions, 4 x 4 cells made 8 x 8."""

_base_ = './mfnet_multitask.py'

model = dict(
    backbones=dict(rgb=dict(_delete_=True, type='SmallConvNet', in_channels=3)),
    heads=dict(
        action=dict(in_channels=96, num_classes=80),
        verb=dict(in_channels=96, num_classes=12),
        noun=dict(in_channels=96, num_classes=16),
        hands=dict(in_channels=96, deconvolutions=(32,)),
        gaze=dict(in_channels=96, deconvolutions=(32,)),
    ),
)
