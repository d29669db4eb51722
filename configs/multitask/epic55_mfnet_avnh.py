"""EPIC-KITCHENS-55: action, verb, noun and hands (Kapidis et al., 2019).

Run:     python tools/train.py configs/multitask/epic55_mfnet_avnh.py
Cost:    <GPU hours, once measured>
Expect:  paper 19.29 / 48.90 / 27.27 (action / verb / noun top-1 on P30 and P31);
         ours <once measured>
Source:  section 4 of the paper and its authors' code. As in the paper, the best epoch is chosen on
         the part it is scored on, so the number is an optimistic one.
"""

_base_ = [
    '../_base_/models/mfnet_multitask.py',
    '../_base_/datasets/epic55_rgb_points.py',
    '../_base_/schedules/mfnet_60e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    heads=dict(
        action=dict(num_classes=2513),
        verb=dict(num_classes=125),
        noun=dict(num_classes=352),
        gaze=None,
    )
)
default_hooks = dict(
    checkpoint=dict(save_best='epic55/action_top1', rule='greater'),
    task_gradients=dict(type='TaskGradientHook', interval=100),
)
