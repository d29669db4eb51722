"""Moments on EgoVLP features, all points of an action weighing the same.

Run:     python tools/train.py configs/asl/mq_base_egovlp.py
Cost:    <GPU hours, once measured>
Expect:  <validation average mAP / R@1x at 0.5, once measured>
         (the paper reports 20.79 / 39.26)
Source:  arXiv:2306.09172, Table 1.
"""

_base_ = './mq_asl_egovlp.py'
model = dict(heads=dict(moment=dict(loss=dict(sensitivity=None))))
