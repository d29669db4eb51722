"""The small MIMO recognizer overfitted to real footage: does everything arrive where it should?

Run:     python tools/prepare/real_files.py SRC data/real_files
         python tools/train.py configs/toy/mimo_query_real-files.py
Cost:    about 3.5 minutes on 2 cores (training, test and two shuffled tests took 218 s, once)
Expect:  at least 95 % verb and noun top-1 on the very clips it was trained on
Source:  EPIC frames with flow, an Ego4D clip with silent audio and clips with sound; the labels
         are made up, and missing modalities are masked.
"""

_base_ = './mimo_query.py'

data_root = 'data/real_files/'
sources = dict(
    rgb=[
        dict(type='frames', path='{participant}/rgb_frames/{video}/frame_{index:010d}.jpg'),
        dict(type='video', path='{participant}/videos/{video}.MP4'),
        dict(type='video', path='{participant}/videos/{video}.avi'),
    ],
    flow=dict(
        type='flow',
        path='{participant}/flow_frames/{video}/{axis}/frame_{index:010d}.jpg',
        stride=1,
    ),
    audio=[
        dict(type='container', path='{participant}/videos/{video}.MP4'),
        dict(type='container', path='{participant}/videos/{video}.avi'),
    ],
)
dataset = dict(
    data_root=data_root,
    ann_file='annotations/EPIC_100_train.csv',
    sources=sources,
    verb_classes=6,
    noun_classes=8,
)
train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        **dataset,
        pipeline=dict(
            times=dict(mode='centre'),
            resize=dict(_delete_=True, type='ResizeShort', size=64),
            crop=dict(_delete_=True, type='CentreCrop', size=64),
            flip=None,
        ),
    ),
)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader
val_evaluator = dict(verb_classes=6, noun_classes=8, tail_verbs=None, tail_nouns=None, unseen=None)
test_evaluator = val_evaluator
model = dict(heads=dict(verb=dict(num_classes=6), noun=dict(num_classes=8)))
train_cfg = dict(max_epochs=60, val_interval=20)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, begin=0, end=5, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=0.01,
        begin=5,
        end=60,
        T_max=55,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(checkpoint=dict(interval=20), logger=dict(interval=3))
