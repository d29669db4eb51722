"""Toy kitchen, RGB + flow + audio, mid-level fusion on a CPU.

Run:     python tools/train.py configs/toy/mimo_midlevel.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <validation numbers, once measured>
Source:  configs/mimo/epic100_swin-t_midlevel.py, made small: the dropout is that of the toy
         heads, moved into the fusion.
"""

_base_ = './mimo_query.py'
model = dict(
    neck=dict(
        _delete_=True,
        type='MidLevelFusion',
        in_channels=dict(rgb=96, flow=96, audio=96),
        out_channels=96,
        dropout=0.1,
    ),
    heads=dict(verb=dict(source='fused', dropout=0.0), noun=dict(source='fused', dropout=0.0)),
    record=(),
)
