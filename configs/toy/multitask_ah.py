"""Toy kitchen in the layout of EGTEA Gaze+: action and hands.

Run:     python tools/make_toy_kitchen.py data/toy_kitchen --egtea
         python tools/train.py configs/toy/multitask_ah.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <test scores, once measured>
Source:  configs/multitask/egtea_mfnet_ah.py, made small.
"""

_base_ = './multitask_avnhg.py'
model = dict(heads=dict(verb=None, noun=None, gaze=None))
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(
        sources=dict(gaze=None),
        pipeline=dict(gaze=None, pack=dict(tasks=('action', 'hands'))),
    )
)
classes, hands, gaze = _base_.val_evaluator
val_evaluator = test_evaluator = [dict(classes, num_classes=dict(action=80)), hands]
