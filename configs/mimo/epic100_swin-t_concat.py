"""EPIC-KITCHENS-100, RGB + flow + audio, concatenation (baseline of MIMO's Table 1).

Run:     python tools/train.py configs/mimo/epic100_swin-t_concat.py
Cost:    <GPU hours, once measured>
Expect:  paper 52.12 / 36.37 / 24.47 (verb / noun / action top-1); ours <once measured>
Source:  as the query config; only the fusion differs: one shared feature instead of one
         token a task.
"""

_base_ = './epic100_swin-t_query.py'
model = dict(
    neck=dict(_delete_=True, type='ConcatFusion', in_channels=dict(rgb=768, flow=768, audio=768)),
    heads=dict(
        verb=dict(source='fused', in_channels=2304), noun=dict(source='fused', in_channels=2304)
    ),
    record=(),
)
