"""Moments on EgoVLP features by ActionFormer: local attention, no channel path.

Run:     python tools/train.py configs/asl/mq_actionformer_egovlp.py
Cost:    <GPU hours, once measured>
Expect:  <validation average mAP / R@1x at 0.5, once measured>
Source:  ActionFormer (arXiv:2202.07925) with the parts of our ASL rows; window 9 as its
         descendants for Ego4D have it.
"""

_base_ = './mq_asl_egovlp.py'
model = dict(
    neck=dict(temporal_share=None, window=9),
    heads=dict(moment=dict(loss=dict(sensitivity=None))),
)
