"""Toy kitchen in the layout of EGTEA Gaze+: verb alone.

Run:     python tools/make_toy_kitchen.py data/toy_kitchen --egtea
         python tools/train.py configs/toy/multitask_v.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <test scores, once measured>
Source:  configs/multitask/epic55_mfnet_v.py, made small.
"""

_base_ = './multitask_avnhg.py'
model = dict(heads=dict(action=None, noun=None, hands=None, gaze=None))
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(
        sources=dict(hands=None, gaze=None),
        pipeline=dict(hands=None, gaze=None, targets=None, pack=dict(tasks=('verb',))),
    )
)
classes, hands, gaze = _base_.val_evaluator
val_evaluator = test_evaluator = [dict(classes, num_classes=dict(verb=12))]
default_hooks = dict(checkpoint=dict(save_best='egtea/verb_top1'))
