"""Ego4D Moment Queries on pre-extracted features, every clip resized to 1024 steps.

Put the official `moments_{train,val}.json` into `data/ego4d/annotations` and features into
`data/ego4d/features/<source>`, as files `<clip_uid>.npy` or `.pt`, HDF5 or LMDB
(`egomm/datasets/feature_store.py`). The classes are those of both files, 110. The last source gives
the steps their times.
Resized features can be kept in half precision: --cfg-options
train_dataloader.dataset.cache=cache val_dataloader.dataset.cache=cache.
"""

_base_ = './feature_loaders.py'
data_root = 'data/ego4d/'
shared = dict(
    type='MomentQueries',
    data_root=data_root,
    classes=('annotations/moments_train.json', 'annotations/moments_val.json'),
    sources=dict(
        egovlp=dict(path='features/egovlp', dim=256, fps=30, stride=16, window=16, per='clip')
    ),
    length=1024,
)
train_dataloader = dict(
    dataset=dict(**shared, ann_file='annotations/moments_train.json', crop=(0.9, 1.0)),
)
val_dataloader = dict(
    dataset=dict(**shared, ann_file='annotations/moments_val.json', test_mode=True)
)
test_dataloader = val_dataloader
val_evaluator = dict(type='Ego4dMomentMetric')
test_evaluator = val_evaluator
