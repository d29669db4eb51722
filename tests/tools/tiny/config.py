"""A whole run in a second: 11 clips, batches of 4, two epochs."""

_base_ = ['../../../configs/_base_/default_runtime.py']
custom_imports = dict(imports=['random_clips'], allow_failed_imports=False)

channels = dict(rgb=3, flow=2, audio=1)
width = 8
model = dict(
    type='MultiIOModel',
    data_preprocessor=dict(
        type='EgoDataPreprocessor',
        modalities={
            name: dict(mean=[127.5] * count, std=[60.0] * count) for name, count in channels.items()
        },
    ),
    backbones={
        name: dict(type='OneConv', in_channels=count, out_channels=width)
        for name, count in channels.items()
    },
    neck=dict(
        type='QueryFusion',
        in_channels=dict.fromkeys(channels, width),
        out_channels=width,
        tasks=('verb', 'noun'),
        num_heads=2,
    ),
    heads=dict(
        verb=dict(
            type='ClassificationHead', in_channels=width, num_classes=3, source='verb', dropout=0.0
        ),
        noun=dict(
            type='ClassificationHead', in_channels=width, num_classes=4, source='noun', dropout=0.0
        ),
    ),
)

train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(type='RandomClips', size=11),
    sampler=dict(type='EpochSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=0,
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(type='RandomClips', size=7, complete=True),
    sampler=dict(type='EpochSampler', shuffle=False),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='EpicActionMetric', verb_classes=3, noun_classes=4)
test_evaluator = val_evaluator

train_cfg = dict(type='ResumableTrainLoop', max_epochs=2, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
# SGD, because Adam hides a wrong scale of the gradients and amplifies rounding.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.5, momentum=0.9),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = dict(type='LinearLR', start_factor=0.5, by_epoch=False, end=4)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(max_keep_ckpts=-1))
log_processor = dict(window_size=1)
