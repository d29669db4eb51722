"""Toy kitchen in the layout of EGTEA Gaze+: action, verb, noun, hands and gaze.

Run:     python tools/make_toy_kitchen.py data/toy_kitchen --egtea
         python tools/train.py configs/toy/multitask_avnhg.py
Cost:    2 minutes on 2 cores (126 s, one run on a shared machine)
Expect:  12.5 / 25.0 / 42.0 (action / verb / noun top-1 on 200 clips of unseen participants, seed 0,
         one run), hands 6.1 of 64 pixels, gaze 16.4 degrees and AUC-Judd 0.866
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
