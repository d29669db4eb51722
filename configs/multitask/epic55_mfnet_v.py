"""EPIC-KITCHENS-55: verb alone (Kapidis et al., 2019).

Run:     python tools/train.py configs/multitask/epic55_mfnet_v.py
Cost:    <GPU hours, once measured>
Expect:  paper 48.57 (verb top-1 on P30 and P31); ours <once measured>
Source:  section 4 of the paper and its authors' code. As in the paper, the best epoch is chosen on
         the part it is scored on, so the number is an optimistic one.
"""

_base_ = [
    '../_base_/models/mfnet_multitask.py',
    '../_base_/datasets/epic55_rgb_points.py',
    '../_base_/schedules/mfnet_60e.py',
    '../_base_/default_runtime.py',
]
model = dict(heads=dict(action=None, verb=dict(num_classes=125), noun=None, hands=None, gaze=None))
data = dict(
    dataset=dict(
        sources=dict(hands=None),
        pipeline=dict(hands=None, targets=None, pack=dict(tasks=('verb',))),
    )
)
train_dataloader = data
val_dataloader = data
test_dataloader = data
classes, hands = _base_.val_evaluator
val_evaluator = [dict(classes, num_classes=dict(verb=classes.num_classes.verb))]
test_evaluator = val_evaluator
default_hooks = dict(
    checkpoint=dict(save_best='epic55/verb_top1', rule='greater'),
)
