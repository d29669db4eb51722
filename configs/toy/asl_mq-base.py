"""Generated features, moments, all points of an action weighing the same.

Run:     python tools/make_toy_features.py data/toy_features
         python tools/train.py configs/toy/asl_mq-base.py
Cost:    COST
Expect:  EXPECT
Source:  configs/asl/mq_base_sf-ov-egovlp.py, made small.
"""

_base_ = './asl_mq.py'
model = dict(heads=dict(moment=dict(loss=dict(sensitivity=None))))
