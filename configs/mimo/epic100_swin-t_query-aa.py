"""EPIC-KITCHENS-100, RGB + flow + audio, query fusion with attention allocating (MIMO, Table 2).

Run:     python tools/train.py configs/mimo/epic100_swin-t_query-aa.py
Cost:    <GPU hours, once measured>
Expect:  paper 55.33 / 42.31 / 28.52 (verb / noun / action top-1); ours <once measured>
Source:  as the query config; lambda 0.1 (Eq. 2). The direction of the loss is that of the
         paper's prose; its printed Eq. (1) says the opposite (direction='as_printed'). The
         unimodal classifiers' own loss, which Eq. (2) leaves out, is on detached features.
"""

_base_ = './epic100_swin-t_query.py'
channels = dict(rgb=768, flow=768, audio=768)
model = dict(
    parts=dict(
        unimodal=dict(
            type='UnimodalHeads', in_channels=channels, num_classes=dict(verb=97, noun=300)
        ),
        allocation=dict(
            type='AllocationLoss',
            tasks=('verb', 'noun'),
            modalities=tuple(channels),
            weight=0.1,
            direction='text',
        ),
    ),
    record=('attention', 'unimodal_verb', 'unimodal_noun'),
)
