"""EGTEA Gaze+, 16 frames of RGB at a stride of two, with hands and gaze.

Put the official files under `data/egtea`: the split files in `action_annotation/`, clips in
`cropped_clips/<session>/` or session videos in `videos/`, gaze in `gaze_data/`. Hands are not
official: `hand_tracks/` has a file a clip or a session, as `tools/prepare/hands.py` makes them of
detections.

Split 1, unless the environment says otherwise: `EGTEA_SPLIT=2 python tools/train.py ...`.

Training windows are 16 to 46 frames long (speed 0.5 to 1.5), as in the authors' code; the paper
says 32, speed=(1, 1). Sizes, crops, flips and colours of training are theirs as well: a crop out of
the frame, which is squeezed to a square, stretched and resized by chance. A config of fewer tasks
sets `hands` or `gaze` of the sources and of the pipelines to None and names its tasks in `pack`.
"""

data_root = 'data/egtea/'
sources = dict(
    rgb=[
        dict(type='video', path='cropped_clips/{video}/{clip}.mp4'),
        dict(type='video', path='videos/{video}.mp4'),
    ],
    hands=[
        dict(type='tracks', path='hand_tracks/{video}/{clip}.json'),
        dict(type='tracks', path='hand_tracks/{video}.npz'),
    ],
    gaze=[
        dict(type='begaze', path='gaze_data/{video}.txt'),
        dict(type='begaze', path='gaze_data/{video}-GazeData.txt'),
    ],
)


def clip_pipeline(train):
    """Named steps, in order: a config overrides leaves, `pipeline=dict(crop=dict(size=64))`."""
    steps = dict(
        times=dict(type='SampleWindow', num_frames=16, mode='random' if train else 'middle'),
        rgb=dict(type='LoadRGB'),
        hands=dict(type='LoadHands'),
        gaze=dict(type='LoadGaze'),
    )
    if train:
        steps['resize'] = dict(type='RandomScale', short=(224, 288), stretch=(0.8, 1.25))
        steps['crop'] = dict(type='RandomCrop', size=224)
        steps['flip'] = dict(type='RandomFlip', prob=0.5)
        steps['colour'] = dict(type='RandomHLS', hue=15, lightness=35, saturation=25)
    else:
        steps['resize'] = dict(type='ResizeSquare', size=256)
        steps['crop'] = dict(type='CentreCrop', size=224)
    steps['targets'] = dict(type='PointTargets', every=2)
    steps['pack'] = dict(
        type='PackSample', inputs=('rgb',), tasks=('action', 'verb', 'noun', 'hands', 'gaze')
    )
    return steps


train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='EpochSampler', shuffle=True),
    collate_fn=dict(type='stack_clips'),
    dataset=dict(
        type='Egtea',
        data_root=data_root,
        ann_file='action_annotation/train_split{{$EGTEA_SPLIT:1}}.txt',
        sources=sources,
        pipeline=clip_pipeline(train=True),
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='stack_clips'),
    dataset=dict(
        type='Egtea',
        data_root=data_root,
        ann_file='action_annotation/test_split{{$EGTEA_SPLIT:1}}.txt',
        sources=sources,
        pipeline=clip_pipeline(train=False),
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(
        type='ClassAccuracyMetric',
        prefix='egtea',
        num_classes=dict(action=106, verb=19, noun=53),
    ),
    dict(type='PointErrorMetric'),
    dict(type='GazeMetric'),
]
test_evaluator = val_evaluator
