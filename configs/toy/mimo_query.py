"""Toy kitchen, RGB + flow + audio, query-token fusion: the paper's main row on a CPU.

Run:     bash tools/quickstart.sh, or
         python tools/make_toy_kitchen.py data/toy_kitchen
         python tools/train.py configs/toy/mimo_query.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <validation numbers, once measured>
Source:  configs/mimo/epic100_swin-t_query.py, made small.
"""

_base_ = [
    '../_base_/models/mimo_toy.py',
    '../_base_/datasets/toy_kitchen.py',
    '../_base_/schedules/toy.py',
    '../_base_/default_runtime.py',
]
default_hooks = dict(logger=dict(interval=5))
