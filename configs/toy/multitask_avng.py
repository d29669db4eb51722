"""Toy kitchen in the layout of EGTEA Gaze+: action, verb, noun and gaze.

Run:     python tools/make_toy_kitchen.py data/toy_kitchen --egtea
         python tools/train.py configs/toy/multitask_avng.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <test scores, once measured>
Source:  configs/multitask/egtea_mfnet_avng.py, made small.
"""

_base_ = './multitask_avnhg.py'
model = dict(heads=dict(hands=None))
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(
        sources=dict(hands=None),
        pipeline=dict(hands=None, pack=dict(tasks=('action', 'verb', 'noun', 'gaze'))),
    )
)
classes, hands, gaze = _base_.val_evaluator
val_evaluator = test_evaluator = [classes, gaze]
