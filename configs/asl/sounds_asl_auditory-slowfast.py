"""EPIC-SOUNDS detection on features of the sound, with action sensitivity.

Run:     python tools/train.py configs/asl/sounds_asl_auditory-slowfast.py
Cost:    <GPU hours, once measured>
Expect:  <validation average mAP of sounds, once measured>
Source:  arXiv:2306.09172 on another data set; see configs/_base_/models/asl_epic.py.
"""

_base_ = [
    '../_base_/models/asl_epic.py',
    '../_base_/datasets/epic_sounds.py',
    '../_base_/schedules/asl_15e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    backbones=dict(
        _delete_=True,
        auditory=dict(type='FeatureProjection', in_channels=2304, out_channels=512),
    ),
    neck=dict(in_channels=dict(_delete_=True, auditory=512), max_length=6144),
    heads=dict(sound=dict(**_base_.localizer, num_classes=44)),
)
