"""EPIC-KITCHENS-55: verb, noun and hands (Kapidis et al., 2019).

Run:     python tools/train.py configs/multitask/epic55_mfnet_vnh.py
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
    heads=dict(action=None, verb=dict(num_classes=125), noun=dict(num_classes=352), gaze=None)
)
data = dict(
    dataset=dict(
        pipeline=dict(pack=dict(tasks=('verb', 'noun', 'hands'))),
    )
)
train_dataloader = data
val_dataloader = data
test_dataloader = data
classes, hands = _base_.val_evaluator
val_evaluator = [
    dict(classes, num_classes=dict(verb=classes.num_classes.verb, noun=classes.num_classes.noun)),
    hands,
]
test_evaluator = val_evaluator
default_hooks = dict(
    checkpoint=dict(save_best='epic55/verb_top1', rule='greater'),
    task_gradients=dict(type='TaskGradientHook', interval=100),
)
