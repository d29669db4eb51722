"""Toy kitchen, RGB + flow + audio, query fusion with attention allocating, on a CPU.

Run:     python tools/train.py configs/toy/mimo_query-aa.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <validation numbers, once measured>
Source:  configs/mimo/epic100_swin-t_query-aa.py, made small.
"""

_base_ = './mimo_query.py'
channels = dict(rgb=96, flow=96, audio=96)
model = dict(
    parts=dict(
        unimodal=dict(
            type='UnimodalHeads', in_channels=channels, num_classes=dict(verb=12, noun=16)
        ),
        allocation=dict(
            type='AllocationLoss',
            tasks=('verb', 'noun'),
            modalities=tuple(channels),
            weight=0.1,
            direction='text',
        ),
    ),
    record=('attention', 'unimodal_verb', 'unimodal_noun'),
)
