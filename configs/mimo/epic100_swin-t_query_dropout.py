"""EPIC-KITCHENS-100, query-token fusion trained with modality dropout: one model for any subset.

Run:     python tools/train.py configs/mimo/epic100_swin-t_query_dropout.py
         python tools/score_subsets.py configs/mimo/epic100_swin-t_query_dropout.py CHECKPOINT
Cost:    <GPU hours, once measured>
Expect:  <validation numbers of every subset of modalities, once measured>
Source:  beyond the paper; ModDrop (Neverova et al., 2015). Only the dropout differs from the
         query config.
"""

_base_ = './epic100_swin-t_query.py'
train_dataloader = dict(
    dataset=dict(pipeline=dict(drop=dict(_delete_=True, type='DropModalities', prob=0.3)))
)
