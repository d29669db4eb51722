"""EPIC-KITCHENS-100, query-token fusion with mixup and CutMix of all modalities and tasks.

Run:     python tools/train.py configs/mimo/epic100_swin-t_query_mixed.py
Cost:    <GPU hours, once measured>
Expect:  <validation numbers, once measured>
Source:  as the query config; the strengths are those of Omnivore's pre-training, one of the two a
         batch. Not for the rows with attention allocating, whose entropies want whole labels.
"""

_base_ = './epic100_swin-t_query.py'
model = dict(mixing=dict(type='ClipMixing', mixup=0.8, cutmix=1.0))
