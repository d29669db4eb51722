"""EPIC-KITCHENS-55, 16 frames of RGB at a stride of two, with hands.

Put EPIC_train_action_labels.csv in `data/epic55/annotations/` and the images or videos in the
official folders. Participants P30 and P31 are for validation. Hands are not official:
`hand_tracks/` has a file a video, as `tools/prepare/hands.py` makes them of the hand-object
detections of EPIC-KITCHENS-100, which also cover the videos of EPIC-KITCHENS-55 by the same numbers
of images. The current file of labels gives 2,513 actions; the paper's 2,521 come from an older one.
"""

_base_ = './egtea_rgb_points.py'

sources = dict(
    _delete_=True,
    rgb=[
        dict(type='frames', path='{participant}/rgb_frames/{video}/frame_{index:010d}.jpg'),
        dict(type='video', path='{participant}/videos/{video}.MP4'),
    ],
    hands=dict(type='tracks', path='hand_tracks/{video}.npz'),
)
pack = dict(tasks=('action', 'verb', 'noun', 'hands'))


def part(split):
    return dict(
        type='EpicKitchens55',
        data_root='data/epic55/',
        ann_file='annotations/EPIC_train_action_labels.csv',
        split=split,
        sources=sources,
        pipeline=dict(gaze=None, pack=pack),
    )


train_dataloader = dict(dataset=part('train'))
val_dataloader = dict(dataset=part('val'))
test_dataloader = val_dataloader
val_evaluator = [
    dict(
        type='ClassAccuracyMetric',
        prefix='epic55',
        num_classes=dict(action=2513, verb=125, noun=352),
    ),
    dict(type='PointErrorMetric'),
]
test_evaluator = val_evaluator
