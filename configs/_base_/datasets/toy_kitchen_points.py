"""The toy kitchen in the layout of EGTEA Gaze+, as `tools/make_toy_kitchen.py --egtea` writes it.

Time is halved twice by the small network, so a target is every fourth frame. In training
a random part of 0.6 to 1 of the frame is shown, and colours stay.
"""

_base_ = './egtea_rgb_points.py'


def part(**steps):
    return dict(
        batch_size=16,
        num_workers=2,
        dataset=dict(
            data_root='data/toy_kitchen/egtea/',
            action_classes=80,
            verb_classes=12,
            noun_classes=16,
            pipeline=dict(targets=dict(every=4), **steps),
        ),
    )


train_dataloader = part(
    resize=dict(_delete_=True, type='ResizeSquare', size=64),
    crop=dict(
        _delete_=True, type='RandomResizedCrop', size=64, scale=(0.6, 1.0), ratio=(0.8, 1.25)
    ),
    colour=None,
)
val_dataloader = part(resize=dict(size=64), crop=dict(size=64))
test_dataloader = val_dataloader
classes, hands, gaze = _base_.val_evaluator
val_evaluator = [
    dict(classes, num_classes=dict(action=80, verb=12, noun=16)),
    dict(hands, size=64),
    dict(gaze, size=64, blob_sigma=3.2),
]
test_evaluator = val_evaluator
