"""Toy kitchen in the layout of EGTEA Gaze+: action, hands and gaze.

Run:     python tools/make_toy_kitchen.py data/toy_kitchen --egtea
         python tools/train.py configs/toy/multitask_agh.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <test scores, once measured>
Source:  configs/multitask/egtea_mfnet_agh.py, made small.
"""

_base_ = [
    '../_base_/models/multitask_toy.py',
    '../_base_/datasets/toy_kitchen_points.py',
    '../_base_/schedules/toy.py',
    '../_base_/default_runtime.py',
]
model = dict(heads=dict(verb=None, noun=None))
data = dict(
    dataset=dict(
        pipeline=dict(pack=dict(tasks=('action', 'hands', 'gaze'))),
    )
)
train_dataloader = data
val_dataloader = data
test_dataloader = data
classes, hands, gaze = _base_.val_evaluator
val_evaluator = [dict(classes, num_classes=dict(action=classes.num_classes.action)), hands, gaze]
test_evaluator = val_evaluator
default_hooks = dict(
    logger=dict(interval=5),
    checkpoint=dict(save_best='egtea/action_top1', rule='greater'),
    task_gradients=dict(type='TaskGradientHook', interval=20),
)
