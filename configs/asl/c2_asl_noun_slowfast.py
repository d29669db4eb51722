"""EPIC-KITCHENS-100 detection (C2) of nouns on SlowFast features, with action sensitivity.

Run:     python tools/train.py configs/asl/c2_asl_noun_slowfast.py
Cost:    <GPU hours, once measured>
Expect:  <validation average mAP of nouns, once measured>
Source:  arXiv:2306.09172 on another data set; see configs/_base_/models/asl_epic.py.
"""

_base_ = [
    '../_base_/models/asl_epic.py',
    '../_base_/datasets/epic100_c2.py',
    '../_base_/schedules/asl_15e.py',
    '../_base_/default_runtime.py',
]
model = dict(heads=dict(noun=dict(**_base_.localizer, num_classes=300)))
