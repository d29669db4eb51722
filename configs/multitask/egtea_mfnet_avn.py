"""EGTEA Gaze+: action, verb and noun (Kapidis et al., 2019).

Run:     python tools/train.py configs/multitask/egtea_mfnet_avn.py
Cost:    <GPU hours, once measured>
Expect:  paper 68.00 / 59.67 (action top-1 / mean class accuracy, split 1); ours <once measured>
Source:  section 4 of the paper and its authors' code. The split has no validation part: as in the
         paper, the best epoch is chosen on the test part, so the number is an optimistic one.
"""

_base_ = './egtea_mfnet_avnhg.py'
model = dict(heads=dict(hands=None, gaze=None))
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(
        sources=dict(hands=None, gaze=None),
        pipeline=dict(
            hands=None, gaze=None, targets=None, pack=dict(tasks=('action', 'verb', 'noun'))
        ),
    )
)
classes, hands, gaze = _base_.val_evaluator
val_evaluator = test_evaluator = [classes]
