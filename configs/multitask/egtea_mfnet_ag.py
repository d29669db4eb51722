"""EGTEA Gaze+: action and gaze (Kapidis et al., 2019).

Run:     python tools/train.py configs/multitask/egtea_mfnet_ag.py
Cost:    <GPU hours, once measured>
Expect:  paper 66.59 / 59.44 (action top-1 / mean class accuracy, split 1); ours <once measured>
Source:  section 4 of the paper and its authors' code. The split has no validation part: as in the
         paper, the best epoch is chosen on the test part, so the number is an optimistic one.
"""

_base_ = './egtea_mfnet_avnhg.py'
model = dict(heads=dict(verb=None, noun=None, hands=None))
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(
        sources=dict(hands=None),
        pipeline=dict(hands=None, pack=dict(tasks=('action', 'gaze'))),
    )
)
classes, hands, gaze = _base_.val_evaluator
val_evaluator = test_evaluator = [dict(classes, num_classes=dict(action=106)), gaze]
