"""EGTEA Gaze+: action, hands and gaze (Kapidis et al., 2019).

Run:     python tools/train.py configs/multitask/egtea_mfnet_agh.py
Cost:    <GPU hours, once measured>
Expect:  paper 66.12 / 58.91 (action top-1 / mean class accuracy, split 1); gaze 8.90 degrees,
         AUC .926 over 177,292 frames (full clips); ours <once measured>
Source:  section 4 of the paper and its authors' code. The split has no validation part: as in the
         paper, the best epoch is chosen on the test part, so the number is an optimistic one.
"""

_base_ = './egtea_mfnet_avnhg.py'
model = dict(heads=dict(verb=None, noun=None))
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(
        pipeline=dict(pack=dict(tasks=('action', 'hands', 'gaze'))),
    )
)
classes, hands, gaze = _base_.val_evaluator
val_evaluator = test_evaluator = [dict(classes, num_classes=dict(action=106)), hands, gaze]
