"""Queries on four sources by ActionFormer: local attention, no channel path.

Run:     python tools/train.py configs/asl/nlq_actionformer_sf-ov-egovlp-clip.py
Cost:    <GPU hours, once measured>
Expect:  <validation R@1 at 0.3 / 0.5, once measured>
Source:  ActionFormer (arXiv:2202.07925) with the parts of our ASL rows; window 9 as its
         descendants for Ego4D have it.
"""

_base_ = './nlq_asl_sf-ov-egovlp-clip.py'
model = dict(
    neck=dict(temporal_share=None, window=9),
    heads=dict(query=dict(loss=dict(sensitivity=None))),
)
