"""Moments on EgoVLP, SlowFast and Omnivore features, without action sensitivity.

Run:     python tools/train.py configs/asl/mq_base_sf-ov-egovlp.py
Cost:    <GPU hours, once measured>
Expect:  <validation average mAP / R@1x at 0.5, once measured>
         (the paper reports 22.02 / 40.12)
Source:  arXiv:2306.09172, Table 1.
"""

_base_ = './mq_asl_sf-ov-egovlp.py'
model = dict(heads=dict(moment=dict(loss=dict(sensitivity=None))))
