"""EPIC-KITCHENS-100 detection (C2) of actions on SlowFast features, with action sensitivity.

The classes are the pairs of verb and noun of the train file. Every segment that is found has both,
as the challenge wants it, so verbs, nouns and actions are scored on one list.

Run:     python tools/train.py configs/asl/c2_asl_action_slowfast.py
Cost:    <GPU hours, once measured>
Expect:  <validation average mAP of verbs / nouns / actions, once measured>
Source:  arXiv:2306.09172 on another data set; see configs/_base_/models/asl_epic.py.
"""

_base_ = [
    '../_base_/models/asl_epic.py',
    '../_base_/datasets/epic100_c2.py',
    '../_base_/schedules/asl_15e.py',
    '../_base_/default_runtime.py',
]
model = dict(heads=dict(action=dict(**_base_.localizer, num_classes=3568)))
