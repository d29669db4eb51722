"""Moments on EgoVLP features, with action sensitivity.

Run:     python tools/train.py configs/asl/mq_asl_egovlp.py
Cost:    <GPU hours, once measured>
Expect:  <validation average mAP / R@1x at 0.5, once measured>
         (the paper reports 22.83 / 40.67)
Source:  arXiv:2306.09172, Table 1.
"""

_base_ = [
    '../_base_/models/asl_mq.py',
    '../_base_/datasets/ego4d_mq.py',
    '../_base_/schedules/asl_15e.py',
    '../_base_/default_runtime.py',
]
