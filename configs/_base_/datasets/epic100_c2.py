"""EPIC-KITCHENS-100 action detection (C2) on pre-extracted features of whole videos.

Put the official CSVs into `data/epic100/annotations` and features into
`data/epic100/features/<source>`, an entry a video (`egomm/datasets/feature_store.py`). SlowFast
features as ActionFormer's authors share them: 32 frames at 30 per second, one in 16. Training takes
stretches of at most 2304 positions, testing whole videos.
"""

_base_ = './feature_loaders.py'
data_root = 'data/epic100/'
shared = dict(
    type='EpicActionSegments',
    data_root=data_root,
    durations='annotations/EPIC_100_video_info.csv',
    actions_from='annotations/EPIC_100_train.csv',
    sources=dict(
        slowfast=dict(path='features/slowfast', dim=2304, fps=30, stride=16, window=32, per='video')
    ),
)
train_dataloader = dict(
    dataset=dict(
        **shared, ann_file='annotations/EPIC_100_train.csv', crop=(0.9, 1.0), longest=2304
    ),
)
val_dataloader = dict(
    dataset=dict(**shared, ann_file='annotations/EPIC_100_validation.csv', test_mode=True)
)
test_dataloader = val_dataloader
val_evaluator = dict(type='EpicDetectionMetric')
test_evaluator = val_evaluator
