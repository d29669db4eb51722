"""Generated features and the sounds of EPIC-SOUNDS, on a CPU.

Run:     python tools/make_toy_features.py data/toy_features
         python tools/train.py configs/toy/asl_sounds.py
Cost:    54 s of processor time (one run)
Expect:  0.883 (average mAP of sounds on 24 videos, seed 0, one run)
Source:  configs/asl/sounds_asl_auditory-slowfast.py, made small as the twin of actions is.
"""

_base_ = './asl_c2.py'
shared = dict(
    _delete_=True,
    type='EpicSoundSegments',
    data_root='data/toy_features/',
    durations='annotations/EPIC_100_video_info.csv',
    sources=dict(ego=dict(path='features/ego')),
    sound_classes=3,
)
train_dataloader = dict(
    dataset=dict(
        **shared, ann_file='annotations/EPIC_Sounds_train.csv', crop=(0.9, 1.0), longest=200
    )
)
val_dataloader = dict(
    dataset=dict(**shared, ann_file='annotations/EPIC_Sounds_validation.csv', test_mode=True)
)
test_dataloader = val_dataloader
val_evaluator = dict(prefix='epic_sounds')
test_evaluator = val_evaluator
model = dict(heads=dict(_delete_=True, sound={**_base_.model.heads.action, 'num_classes': 3}))
