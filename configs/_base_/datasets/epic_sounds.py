"""EPIC-SOUNDS detection on pre-extracted features of the sound of whole videos.

Put `EPIC_Sounds_{train,validation}.csv` and `EPIC_100_video_info.csv` into
`data/epic_sounds/annotations` and features into `data/epic_sounds/features/auditory_slowfast`, an
entry a video (`egomm/datasets/feature_store.py`), with a manifest that says their window: positions
lie 0.2 s apart, 6 frames of 30 a second, as OpenTAD has it. Training takes stretches of at most
6144 positions, testing whole videos.
"""

_base_ = './feature_loaders.py'
data_root = 'data/epic_sounds/'
shared = dict(
    type='EpicSoundSegments',
    data_root=data_root,
    durations='annotations/EPIC_100_video_info.csv',
    sources=dict(
        auditory=dict(path='features/auditory_slowfast', dim=2304, fps=30, stride=6, per='video')
    ),
)
train_dataloader = dict(
    dataset=dict(
        **shared, ann_file='annotations/EPIC_Sounds_train.csv', crop=(0.9, 1.0), longest=6144
    ),
)
val_dataloader = dict(
    dataset=dict(**shared, ann_file='annotations/EPIC_Sounds_validation.csv', test_mode=True)
)
test_dataloader = val_dataloader
val_evaluator = dict(type='EpicDetectionMetric', prefix='epic_sounds')
test_evaluator = val_evaluator
