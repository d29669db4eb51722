"""Ego4D Natural Language Queries on pre-extracted features of their own length.

Put the official `nlq_{train,val}.json` into `data/ego4d/annotations` and features into
`data/ego4d/features/<source>` (`egomm/datasets/feature_store.py`). SlowFast and Omnivore are the
official ones, a file a video; CLIP ViT-B/16 looks at one frame in 16. `features/clip_text` holds
the token embeddings of CLIP ViT-L/14, `(L, 768)` for each `<annotation_uid>_<query_idx>`.
The last source gives the steps their number and times.
"""

_base_ = './feature_loaders.py'
data_root = 'data/ego4d/'
shared = dict(
    type='LanguageQueries',
    data_root=data_root,
    sources=dict(
        slowfast=dict(
            **dict(path='features/slowfast8x8_r101_k400', dim=2304),
            **dict(fps=30, stride=16, window=32, per='video'),
        ),
        omnivore=dict(
            **dict(path='features/omnivore_video_swinl', dim=1536),
            **dict(fps=30, stride=16, window=32, per='video'),
        ),
        clip=dict(path='features/clip_b16', dim=512, fps=30, stride=16, window=1, per='clip'),
    ),
    words=dict(path='features/clip_text', dim=768),
)
train_dataloader = dict(
    batch_size=16,
    dataset=dict(**shared, ann_file='annotations/nlq_train.json', crop=(0.9, 1.0)),
)
val_dataloader = dict(dataset=dict(**shared, ann_file='annotations/nlq_val.json', test_mode=True))
test_dataloader = val_dataloader
val_evaluator = dict(type='Ego4dQueryMetric')
test_evaluator = val_evaluator
