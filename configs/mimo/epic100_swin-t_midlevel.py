"""EPIC-KITCHENS-100, RGB + flow + audio, mid-level fusion (MIMO's Table 1).

Run:     python tools/train.py configs/mimo/epic100_swin-t_midlevel.py
Cost:    <GPU hours, once measured>
Expect:  paper 52.52 / 34.71 / 23.92 (verb / noun / action top-1); ours <once measured>
Source:  as the query config; only the fusion differs. TBN's (arXiv:1908.08498): 512 hidden
         units and dropout of 0.5 before the classifiers, which therefore have none of their own.
"""

_base_ = './epic100_swin-t_query.py'
model = dict(
    neck=dict(
        _delete_=True,
        type='MidLevelFusion',
        in_channels=dict(rgb=768, flow=768, audio=768),
        out_channels=512,
    ),
    heads=dict(
        verb=dict(source='fused', in_channels=512, dropout=0.0),
        noun=dict(source='fused', in_channels=512, dropout=0.0),
    ),
    record=(),
)
