"""Toy kitchen in the layout of EGTEA Gaze+: action, verb, noun, hands and gaze.

Run:     python tools/make_toy_kitchen.py data/toy_kitchen --egtea
         python tools/train.py configs/toy/multitask_avnhg.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <test scores, once measured>
Source:  configs/multitask/egtea_mfnet_avnhg.py, made small.
"""

_base_ = [
    '../_base_/models/multitask_toy.py',
    '../_base_/datasets/toy_kitchen_points.py',
    '../_base_/schedules/toy.py',
    '../_base_/default_runtime.py',
]
default_hooks = dict(
    logger=dict(interval=5),
    checkpoint=dict(save_best='egtea/action_top1', rule='greater'),
    task_gradients=dict(type='TaskGradientHook', interval=20),
)
