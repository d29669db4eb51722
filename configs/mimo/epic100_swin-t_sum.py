"""EPIC-KITCHENS-100, RGB + flow + audio, summation (MIMO's Table 1).

Run:     python tools/train.py configs/mimo/epic100_swin-t_sum.py
Cost:    <GPU hours, once measured>
Expect:  paper 51.62 / 37.90 / 24.90 (verb / noun / action top-1); ours <once measured>
Source:  as the query config; only the fusion differs: one shared feature instead of one
         token a task.
"""

_base_ = './epic100_swin-t_query.py'
model = dict(
    neck=dict(
        _delete_=True,
        type='SumFusion',
        in_channels=dict(rgb=768, flow=768, audio=768),
        out_channels=768,
    ),
    heads=dict(verb=dict(source='fused'), noun=dict(source='fused')),
    record=(),
)
