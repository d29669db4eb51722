"""EGTEA Gaze+: action and verb (Kapidis et al., 2019).

Run:     python tools/train.py configs/multitask/egtea_mfnet_av.py
Cost:    <GPU hours, once measured>
Expect:  paper 67.80 / 59.15 (action top-1 / mean class accuracy, split 1); ours <once measured>
Source:  section 4 of the paper and its authors' code. The split has no validation part: as in the
         paper, the best epoch is chosen on the test part, so the number is an optimistic one.
"""

_base_ = './egtea_mfnet_avnhg.py'
model = dict(heads=dict(noun=None, hands=None, gaze=None))
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(
        sources=dict(hands=None, gaze=None),
        pipeline=dict(hands=None, gaze=None, targets=None, pack=dict(tasks=('action', 'verb'))),
    )
)
classes, hands, gaze = _base_.val_evaluator
val_evaluator = test_evaluator = [dict(classes, num_classes=dict(action=106, verb=19))]
