"""EPIC-KITCHENS-100, all of train: query fusion with allocating and re-allocating.

Run:     the commands of configs/mimo/epic100_swin-t_query-aa-ar.py with epic100full_swin-t_...;
         the last is
         python tools/test.py configs/mimo/epic100full_swin-t_query-aa-ar.py CHECKPOINT
Cost:    no training of its own; <minutes of the search, once measured>
Expect:  <validation numbers, once measured>
Source:  configs/mimo/epic100_swin-t_query-aa-ar.py, which has the paper's quarter of train;
         only the data differ. The paper has no such row.
"""

_base_ = './epic100_swin-t_query-aa-ar.py'
train_dataloader = dict(dataset=dict(keep=None))
