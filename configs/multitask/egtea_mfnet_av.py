"""EGTEA Gaze+: action and verb (Kapidis et al., 2019).

Run:     python tools/train.py configs/multitask/egtea_mfnet_av.py
Cost:    <GPU hours, once measured>
Expect:  paper 67.80 / 59.15 (action top-1 / mean class accuracy, split 1); ours <once measured>
Source:  section 4 of the paper and its authors' code. The split has no validation part: as in the
         paper, the best epoch is chosen on the test part, so the number is an optimistic one.
"""

_base_ = [
    '../_base_/models/mfnet_multitask.py',
    '../_base_/datasets/egtea_rgb_points.py',
    '../_base_/schedules/mfnet_60e.py',
    '../_base_/default_runtime.py',
]
model = dict(heads=dict(noun=None, hands=None, gaze=None))
data = dict(
    dataset=dict(
        sources=dict(hands=None, gaze=None),
        pipeline=dict(hands=None, gaze=None, targets=None, pack=dict(tasks=('action', 'verb'))),
    )
)
train_dataloader = data
val_dataloader = data
test_dataloader = data
classes, hands, gaze = _base_.val_evaluator
val_evaluator = [
    dict(
        classes, num_classes=dict(action=classes.num_classes.action, verb=classes.num_classes.verb)
    )
]
test_evaluator = val_evaluator
default_hooks = dict(
    checkpoint=dict(save_best='egtea/action_top1', rule='greater'),
    task_gradients=dict(type='TaskGradientHook', interval=100),
)
