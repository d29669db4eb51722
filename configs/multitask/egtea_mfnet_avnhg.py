"""EGTEA Gaze+: action, verb, noun, hands and gaze (Kapidis et al., 2019).

Run:     python tools/train.py configs/multitask/egtea_mfnet_avnhg.py
Cost:    <GPU hours, once measured>
Expect:  paper 68.99 / 61.40 (action top-1 / mean class accuracy, split 1; mean of the three
         splits 65.70 / 57.60); ours <once measured>
Source:  section 4 of the paper and its authors' code. The split has no validation part: as in the
         paper, the best epoch is chosen on the test part, so the number is an optimistic one.
"""

_base_ = [
    '../_base_/models/mfnet_multitask.py',
    '../_base_/datasets/egtea_rgb_points.py',
    '../_base_/schedules/mfnet_60e.py',
    '../_base_/default_runtime.py',
]
default_hooks = dict(
    checkpoint=dict(save_best='egtea/action_top1', rule='greater'),
    task_gradients=dict(type='TaskGradientHook', interval=100),
)
