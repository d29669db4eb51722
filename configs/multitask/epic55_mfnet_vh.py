"""EPIC-KITCHENS-55: verb and hands (Kapidis et al., 2019).

Run:     python tools/train.py configs/multitask/epic55_mfnet_vh.py
Cost:    <GPU hours, once measured>
Expect:  paper 49.31 (verb top-1 on P30 and P31); ours <once measured>
Source:  section 4 of the paper and its authors' code. As in the paper, the best epoch is chosen on
         the part it is scored on, so the number is an optimistic one.
"""

_base_ = './epic55_mfnet_avnh.py'
model = dict(heads=dict(action=None, noun=None))
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(
        pipeline=dict(pack=dict(tasks=('verb', 'hands'))),
    )
)
classes, hands = _base_.val_evaluator
val_evaluator = test_evaluator = [dict(classes, num_classes=dict(verb=125)), hands]
default_hooks = dict(checkpoint=dict(save_best='epic55/verb_top1'))
