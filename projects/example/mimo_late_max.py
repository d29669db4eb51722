"""Toy kitchen, RGB + flow + audio, the strongest modality a channel.

Run:     python tools/train.py projects/example/mimo_late_max.py
Cost:    as configs/toy/mimo_concat.py    Expect: <once measured>
Source:  an example of a component of one's own.
"""

_base_ = '../../configs/toy/mimo_concat.py'
custom_imports = dict(imports=['projects.example.late_max'], allow_failed_imports=False)
model = dict(
    neck=dict(_delete_=True, type='LateMax'),
    heads=dict(verb=dict(in_channels=96), noun=dict(in_channels=96)),
)
