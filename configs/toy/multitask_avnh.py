"""Toy kitchen in the layout of EGTEA Gaze+: action, verb, noun and hands.

Run:     python tools/make_toy_kitchen.py data/toy_kitchen --egtea
         python tools/train.py configs/toy/multitask_avnh.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <test scores, once measured>
Source:  configs/multitask/egtea_mfnet_avnh.py, made small.
"""

_base_ = './multitask_avnhg.py'
model = dict(heads=dict(gaze=None))
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(
        sources=dict(gaze=None),
        pipeline=dict(gaze=None, pack=dict(tasks=('action', 'verb', 'noun', 'hands'))),
    )
)
classes, hands, gaze = _base_.val_evaluator
val_evaluator = test_evaluator = [classes, hands]
