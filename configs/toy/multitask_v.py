"""Toy kitchen in the layout of EGTEA Gaze+: verb alone.

Run:     python tools/make_toy_kitchen.py data/toy_kitchen --egtea
         python tools/train.py configs/toy/multitask_v.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <test scores, once measured>
Source:  configs/multitask/epic55_mfnet_v.py, made small.
"""

_base_ = [
    '../_base_/models/multitask_toy.py',
    '../_base_/datasets/toy_kitchen_points.py',
    '../_base_/schedules/toy.py',
    '../_base_/default_runtime.py',
]
model = dict(heads=dict(action=None, noun=None, hands=None, gaze=None))
data = dict(
    dataset=dict(
        sources=dict(hands=None, gaze=None),
        pipeline=dict(hands=None, gaze=None, targets=None, pack=dict(tasks=('verb',))),
    )
)
train_dataloader = data
val_dataloader = data
test_dataloader = data
classes, hands, gaze = _base_.val_evaluator
val_evaluator = [dict(classes, num_classes=dict(verb=classes.num_classes.verb))]
test_evaluator = val_evaluator
default_hooks = dict(
    logger=dict(interval=5),
    checkpoint=dict(save_best='egtea/verb_top1', rule='greater'),
)
