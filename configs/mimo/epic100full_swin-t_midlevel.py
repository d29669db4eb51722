"""EPIC-KITCHENS-100, all of train: mid-level fusion.

Run:     python tools/train.py configs/mimo/epic100full_swin-t_midlevel.py
Cost:    <GPU hours, once measured>
Expect:  <validation numbers, once measured>
Source:  configs/mimo/epic100_swin-t_midlevel.py, which has the paper's quarter of train;
         only the data differ. The paper has no such row.
"""

_base_ = './epic100_swin-t_midlevel.py'
train_dataloader = dict(dataset=dict(keep=None))
