"""Toy kitchen, control of the query tokens: concatenation with a projection a task, on a CPU.

Run:     python tools/train.py configs/toy/mimo_concat-2proj.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <validation numbers, once measured>
Source:  the concat row with a feature of its own for each task and, with 67 channels, 0.5 % more
         parameters behind the encoders than the query row: what a task token adds beside both.
"""

_base_ = './mimo_concat.py'
model = dict(
    neck=dict(projections=dict(verb=67, noun=67)),
    heads=dict(verb=dict(source='verb', in_channels=67), noun=dict(source='noun', in_channels=67)),
)
