"""Toy kitchen, query-token fusion trained with modality dropout: one model for any subset.

Run:     python tools/train.py configs/toy/mimo_query_dropout.py
         python tools/score_subsets.py configs/toy/mimo_query_dropout.py CHECKPOINT
Cost:    <minutes on 2 cores, once measured>
Expect:  <validation numbers, once measured>
Source:  beyond the paper; ModDrop (Neverova et al., 2015). Only the dropout differs from the
         toy query config.
"""

_base_ = './mimo_query.py'
train_dataloader = dict(
    dataset=dict(pipeline=dict(drop=dict(_delete_=True, type='DropModalities', prob=0.3)))
)
