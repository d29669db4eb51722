"""Queries on SlowFast, Omnivore and CLIP features, with action sensitivity.

Run:     python tools/train.py configs/asl/nlq_asl_sf-ov-clip.py
Cost:    <GPU hours, once measured>
Expect:  <validation R@1 at 0.3 / 0.5, once measured>
         (the paper reports 14.79 / 9.98)
Source:  arXiv:2306.09172, Table 3.
"""

_base_ = [
    '../_base_/models/asl_nlq.py',
    '../_base_/datasets/ego4d_nlq.py',
    '../_base_/schedules/asl_15e.py',
    '../_base_/default_runtime.py',
]
optim_wrapper = dict(optimizer=dict(lr=1e-3))
