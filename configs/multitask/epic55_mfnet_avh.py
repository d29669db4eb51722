"""EPIC-KITCHENS-55: action, verb and hands (Kapidis et al., 2019).

Run:     python tools/train.py configs/multitask/epic55_mfnet_avh.py
Cost:    <GPU hours, once measured>
Expect:  ours <once measured>
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
    heads=dict(action=dict(num_classes=2513), verb=dict(num_classes=125), noun=None, gaze=None)
)
data = dict(
    dataset=dict(
        pipeline=dict(pack=dict(tasks=('action', 'verb', 'hands'))),
    )
)
train_dataloader = data
val_dataloader = data
test_dataloader = data
classes, hands = _base_.val_evaluator
val_evaluator = [
    dict(
        classes, num_classes=dict(action=classes.num_classes.action, verb=classes.num_classes.verb)
    ),
    hands,
]
test_evaluator = val_evaluator
default_hooks = dict(
    checkpoint=dict(save_best='epic55/action_top1', rule='greater'),
    task_gradients=dict(type='TaskGradientHook', interval=100),
)
