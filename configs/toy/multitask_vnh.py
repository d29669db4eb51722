"""Toy kitchen in the layout of EGTEA Gaze+: verb, noun and hands.

Run:     python tools/make_toy_kitchen.py data/toy_kitchen --egtea
         python tools/train.py configs/toy/multitask_vnh.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <test scores, once measured>
Source:  configs/multitask/epic55_mfnet_vnh.py, made small.
"""

_base_ = './multitask_avnhg.py'
model = dict(heads=dict(action=None, gaze=None))
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(
        sources=dict(gaze=None),
        pipeline=dict(gaze=None, pack=dict(tasks=('verb', 'noun', 'hands'))),
    )
)
classes, hands, gaze = _base_.val_evaluator
val_evaluator = test_evaluator = [dict(classes, num_classes=dict(verb=12, noun=16)), hands]
default_hooks = dict(checkpoint=dict(save_best='egtea/verb_top1'))
