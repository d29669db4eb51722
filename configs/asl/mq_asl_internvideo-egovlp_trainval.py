"""Moments on EgoVLP and InternVideo features, trained on train and validation for the test set.

Nothing is left to choose an epoch by, so nothing is evaluated in training and the last four are
kept.

Run:     python tools/train.py configs/asl/mq_asl_internvideo-egovlp_trainval.py
Cost:    <GPU hours, once measured>
Expect:  <test average mAP / R@1x at 0.5, once measured>
Source:  github.com/JonnyS1226/ego4d_asl, whose train+val mode keeps epochs 11 to 14, from 0.
"""

_base_ = './mq_asl_internvideo-egovlp.py'
train_dataloader = dict(
    dataset=dict(ann_file=['annotations/moments_train.json', 'annotations/moments_val.json'])
)
val_dataloader = None
val_cfg = None
val_evaluator = None
default_hooks = dict(checkpoint=dict(max_keep_ckpts=4))
