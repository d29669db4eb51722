"""Toy kitchen: RGB and sound by query fusion; action, verb, noun, hands and gaze of one network.

None of the papers has this: MIMO's fusion for the classes (a token a task looks at both
modalities), and beside it the points of the multi-task paper, which are read from the map of RGB
alone, since sound has no place in an image.

Run:     python tools/make_toy_kitchen.py data/toy_kitchen --egtea
         python tools/train.py projects/joint/joint_toy.py
Cost:    95 s of CPU time (one run on 2 shared cores)
Expect:  46.3 / 56.5 / 77.8 (action / verb / noun top-1 on 200 clips of unseen people, mean of
         seeds 0, 1, 2: 46.0 to 46.5 / 53.0 to 59.0 / 75.5 to 80.5; majority 2.0 / 10.0 / 8.0),
         hands 5.8 of 64 pixels (5.5 to 6.0), gaze 8.2 degrees (8.1 to 8.3) and AUC-Judd 0.949. No
         row without fusion or without points was run beside it, so nothing is said of what the
         tasks give one another.
Source:  Hou et al. (2023) for the fusion, Kapidis et al. (2019) for the points;
         configs/toy/multitask_avnhg.py for the encoder and the sizes.
"""

_base_ = [
    '../../configs/_base_/schedules/toy.py',
    '../../configs/_base_/default_runtime.py',
]

classes = dict(action=80, verb=12, noun=16)
sources = dict(
    rgb=dict(type='video', path='cropped_clips/{video}/{clip}.mp4'),
    audio=dict(type='container', path='videos/{video}.mp4'),
    hands=dict(type='tracks', path='hand_tracks/{video}.npz'),
    gaze=dict(type='begaze', path='gaze_data/{video}.txt'),
)


def clip_pipeline(train):
    """Named steps, in order; eight moments of the action for all modalities and points."""
    steps = dict(
        times=dict(type='SampleSegments', num_frames=8, mode='random' if train else 'centre'),
        rgb=dict(type='LoadRGB'),
        audio=dict(type='LoadAudio', sample_rate=24000, window=0.2),
        hands=dict(type='LoadHands'),
        gaze=dict(type='LoadGaze'),
    )
    if train:
        steps['crop'] = dict(type='RandomResizedCrop', size=64, scale=(0.7, 1.0))
        steps['flip'] = dict(type='RandomFlip', prob=0.5)
    else:
        steps['resize'] = dict(type='ResizeSquare', size=64)
        steps['crop'] = dict(type='CentreCrop', size=64)
    steps['spectrogram'] = dict(type='LogPower')
    steps['spectrogram_size'] = dict(type='ResizeSpectrogram', size=64)
    steps['targets'] = dict(type='PointTargets', every=4)
    steps['pack'] = dict(
        type='PackSample', inputs=('rgb', 'audio'), tasks=(*classes, 'hands', 'gaze')
    )
    return steps


def part(ann_file, train):
    return dict(
        batch_size=16,
        num_workers=2,
        persistent_workers=True,
        sampler=dict(type='EpochSampler' if train else 'DefaultSampler', shuffle=train),
        collate_fn=dict(type='pseudo_collate'),
        dataset=dict(
            type='Egtea',
            data_root='data/toy_kitchen/egtea/',
            ann_file=f'action_annotation/{ann_file}',
            action_classes=classes['action'],
            verb_classes=classes['verb'],
            noun_classes=classes['noun'],
            sources=sources,
            pipeline=clip_pipeline(train),
            test_mode=not train,
        ),
    )


train_dataloader = part('train_split1.txt', True)
val_dataloader = part('test_split1.txt', False)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='ClassAccuracyMetric', prefix='egtea', num_classes=classes),
    dict(type='PointErrorMetric', size=64),
    dict(type='GazeMetric', size=64, blob_sigma=3.2),
]
test_evaluator = val_evaluator


def points(num_points):
    return dict(
        type='CoordinateHead',
        in_channels=96,
        num_points=num_points,
        deconvolutions=(32,),
        source='rgb',
    )


model = dict(
    type='MultiIOModel',
    data_preprocessor=dict(
        type='EgoDataPreprocessor',
        modalities=dict(
            rgb=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
            audio=dict(mean=[-6.0], std=[4.0]),
        ),
    ),
    backbones=dict(
        rgb=dict(type='SmallConvNet', in_channels=3), audio=dict(type='SmallConvNet', in_channels=1)
    ),
    neck=dict(
        type='QueryFusion',
        in_channels=dict(rgb=96, audio=96),
        out_channels=96,
        tasks=tuple(classes),
        num_heads=4,
    ),
    heads=dict(
        **{
            task: dict(
                type='ClassificationHead',
                in_channels=96,
                num_classes=count,
                source=task,
                dropout=0.1,
            )
            for task, count in classes.items()
        },
        hands=points(2),
        gaze=points(1),
    ),
)
default_hooks = dict(logger=dict(interval=5))
