"""EPIC-KITCHENS-100, RGB + flow + audio, eight frames spread over the action.

Put the official files under `data/epic100` (annotations in `annotations/`, media in the
official folders), or override `sources` with the templates of your own layout.
Frame sampling: one frame of each of eight equal segments, drawn at random in training and, as in
Omnivore, the centre in evaluation. Audio: one spectrogram of 1.279 s centred on each of the eight
times, as TBN's. The first entry of a list of `sources` whose files exist is taken.
"""

data_root = 'data/epic100/'
annotations = data_root + 'annotations/'

sources = dict(
    rgb=[
        dict(type='frames', path='{participant}/rgb_frames/{video}/frame_{index:010d}.jpg'),
        dict(type='video', path='{participant}/videos/{video}.MP4'),
    ],
    flow=dict(
        type='flow',
        path='{participant}/flow_frames/{video}/{axis}/frame_{index:010d}.jpg',
        made=dict(algorithm='tvl1', bound=8.0),
    ),
    audio=[
        dict(type='wav', path='{participant}/audio/{video}.wav'),
        dict(type='container', path='{participant}/videos/{video}.MP4'),
    ],
)


def clip_pipeline(train):
    """Named steps, in order: a config overrides leaves, `pipeline=dict(crop=dict(size=64))`.

    Every modality of a clip sees the same times, the same crop and the same flip.
    """
    steps = dict(
        times=dict(type='SampleSegments', num_frames=8, mode='random' if train else 'centre'),
        rgb=dict(type='LoadRGB'),
        flow=dict(type='LoadFlow'),
        audio=dict(type='LoadAudio', sample_rate=24000, window=1.279),
    )
    if train:
        steps['resize'] = None  # a step that a config can fill in
        steps['crop'] = dict(type='RandomResizedCrop', size=224, scale=(0.5, 1.0))
        steps['flip'] = dict(type='RandomFlip', prob=0.5)
    else:
        steps['resize'] = dict(type='ResizeShort', size=256)
        steps['crop'] = dict(type='CentreCrop', size=224)
    steps['spectrogram'] = dict(type='LogPower')
    steps['spectrogram_size'] = dict(type='ResizeSpectrogram', size=224)
    if train:
        steps['drop'] = None  # for example `DropModalities`
    steps['pack'] = dict(type='PackSample', inputs=('rgb', 'flow', 'audio'), tasks=('verb', 'noun'))
    return steps


train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='EpochSampler', shuffle=True),
    collate_fn=dict(type='stack_clips'),
    dataset=dict(
        type='EpicKitchens',
        data_root=data_root,
        ann_file='annotations/EPIC_100_train.csv',
        sources=sources,
        pipeline=clip_pipeline(train=True),
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='stack_clips'),
    dataset=dict(
        type='EpicKitchens',
        data_root=data_root,
        ann_file='annotations/EPIC_100_validation.csv',
        sources=sources,
        pipeline=clip_pipeline(train=False),
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(
    type='EpicActionMetric',
    tail_verbs=annotations + 'EPIC_100_tail_verbs.csv',
    tail_nouns=annotations + 'EPIC_100_tail_nouns.csv',
    unseen=annotations + 'EPIC_100_unseen_participant_ids_validation.csv',
)
test_evaluator = val_evaluator
