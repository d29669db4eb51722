"""Generated features, moments, all points of an action weighing the same.

Run:     python tools/make_toy_features.py data/toy_features
         python tools/train.py configs/toy/asl_mq-base.py
Cost:    1 minute on 2 shared cores (one run)
Expect:  0.853 / 0.878 (average mAP / R@1x at 0.5 on 24 clips, seed 0, one run: a difference to
         asl_mq.py of one run says little)
Source:  configs/asl/mq_base_sf-ov-egovlp.py, made small.
"""

_base_ = './asl_mq.py'
model = dict(heads=dict(moment=dict(loss=dict(sensitivity=None))))
