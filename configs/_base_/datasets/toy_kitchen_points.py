"""The toy kitchen in the layout of EGTEA Gaze+, as `tools/make_toy_kitchen.py --egtea` writes it.

Time is halved twice by the small network, so a target is every fourth frame.
"""

_base_ = './egtea_rgb_points.py'

data = dict(
    batch_size=16,
    num_workers=2,
    dataset=dict(
        data_root='data/toy_kitchen/egtea/',
        action_classes=80,
        verb_classes=12,
        noun_classes=16,
        pipeline=dict(
            resize=dict(size=64),
            crop=dict(size=64),
            targets=dict(every=4),
        ),
    ),
)
train_dataloader = data
val_dataloader = data
test_dataloader = data
classes, hands, gaze = _base_.val_evaluator
val_evaluator = [
    dict(classes, num_classes=dict(action=80, verb=12, noun=16)),
    dict(hands, size=64),
    dict(gaze, size=64, blob_sigma=3.2),
]
test_evaluator = val_evaluator
