"""EPIC-KITCHENS-100, all of train: concatenation balanced by the verb classifier (OGM).

Run:     python tools/train.py configs/mimo/epic100full_swin-t_concat-ogm-verb.py
Cost:    <GPU hours, once measured>
Expect:  <validation numbers, once measured>
Source:  configs/mimo/epic100_swin-t_concat-ogm-verb.py, which has the paper's quarter of train;
         only the data differ. The paper has no such row.
"""

_base_ = './epic100_swin-t_concat-ogm-verb.py'
train_dataloader = dict(dataset=dict(keep=None))
