"""EPIC-KITCHENS-100 detection (C2) of verbs on SlowFast features, with action sensitivity.

Run:     python tools/train.py configs/asl/c2_asl_verb_slowfast.py
Cost:    <GPU hours, once measured>
Expect:  <validation average mAP of verbs, once measured>
Source:  arXiv:2306.09172 on another data set; see configs/_base_/models/asl_epic.py.
"""

_base_ = [
    '../_base_/models/asl_epic.py',
    '../_base_/datasets/epic100_c2.py',
    '../_base_/schedules/asl_15e.py',
    '../_base_/default_runtime.py',
]
model = dict(heads=dict(verb=dict(**_base_.localizer, num_classes=97)))
