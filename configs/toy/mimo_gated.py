"""Toy kitchen, RGB + flow + audio, gating on a CPU.

Run:     python tools/train.py configs/toy/mimo_gated.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <validation numbers, once measured>
Source:  configs/mimo/epic100_swin-t_gated.py, made small.
"""

_base_ = './mimo_query.py'
model = dict(
    neck=dict(
        _delete_=True,
        type='GatedFusion',
        in_channels=dict(rgb=96, flow=96, audio=96),
        out_channels=96,
    ),
    heads=dict(verb=dict(source='fused'), noun=dict(source='fused')),
    record=(),
)
