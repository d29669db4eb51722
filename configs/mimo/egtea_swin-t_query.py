"""EGTEA Gaze+ split 1, RGB + audio, query-token fusion with action, verb and noun.

Run:     python tools/train.py configs/mimo/egtea_swin-t_query.py
Cost:    <GPU hours, once measured>
Expect:  <test accuracy of split 1, once measured>
Source:  the recipe of the EPIC-KITCHENS-100 config; MIMO has no row for EGTEA Gaze+. The split has
         no validation part, so the best epoch is not chosen: the last one counts.
"""

_base_ = [
    '../_base_/models/mimo_swin-t.py',
    '../_base_/datasets/egtea_rgb_audio.py',
    '../_base_/schedules/mimo_60e.py',
    '../_base_/default_runtime.py',
]
preprocessing = _base_.model.data_preprocessor.modalities
encoders = _base_.model.backbones
head = _base_.model.heads.verb
model = dict(
    data_preprocessor=dict(
        modalities=dict(_delete_=True, rgb=preprocessing.rgb, audio=preprocessing.audio)
    ),
    backbones=dict(_delete_=True, rgb=encoders.rgb, audio=encoders.audio),
    neck=dict(
        in_channels=dict(_delete_=True, rgb=768, audio=768), tasks=('action', 'verb', 'noun')
    ),
    heads=dict(
        action=dict(head, source='action', num_classes=106),
        verb=dict(num_classes=19),
        noun=dict(num_classes=53),
    ),
)
