"""Queries on SlowFast, Omnivore and CLIP features, without action sensitivity.

Run:     python tools/train.py configs/asl/nlq_base_sf-ov-clip.py
Cost:    <GPU hours, once measured>
Expect:  <validation R@1 at 0.3 / 0.5, once measured>
         (the paper reports 13.80 / 9.51)
Source:  arXiv:2306.09172, Table 3.
"""

_base_ = './nlq_asl_sf-ov-clip.py'
model = dict(heads=dict(query=dict(loss=dict(sensitivity=None))))
