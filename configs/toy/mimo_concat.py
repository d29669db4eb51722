"""Toy kitchen, RGB + flow + audio, concatenation: the paper's baseline on a CPU.

Run:     python tools/train.py configs/toy/mimo_concat.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <validation numbers, once measured>
Source:  as the toy query config; only the fusion differs.
"""

_base_ = './mimo_query.py'
model = dict(
    neck=dict(_delete_=True, type='ConcatFusion', in_channels=dict(rgb=96, flow=96, audio=96)),
    heads=dict(
        verb=dict(source='fused', in_channels=288), noun=dict(source='fused', in_channels=288)
    ),
    record=(),
)
