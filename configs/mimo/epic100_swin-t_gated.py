"""EPIC-KITCHENS-100, RGB + flow + audio, gating (MIMO's Table 1).

Run:     python tools/train.py configs/mimo/epic100_swin-t_gated.py
Cost:    <GPU hours, once measured>
Expect:  paper 53.76 / 36.34 / 25.25 (verb / noun / action top-1); ours <once measured>
Source:  as the query config; only the fusion differs. The paper cites GMU (arXiv:1702.01992)
         and says no more: this is GMU for three modalities, as wide as the encoders.
"""

_base_ = './epic100_swin-t_query.py'
model = dict(
    neck=dict(
        _delete_=True,
        type='GatedFusion',
        in_channels=dict(rgb=768, flow=768, audio=768),
        out_channels=768,
    ),
    heads=dict(verb=dict(source='fused'), noun=dict(source='fused')),
    record=(),
)
