"""Queries after training on narrations: starts from what nlq_asl_sf-ov-clip_narrations.py made.

Run:     python tools/train.py configs/asl/nlq_asl_sf-ov-clip_finetuned.py
Cost:    <GPU hours, once measured>
Expect:  <validation R@1 at 0.3 / 0.5, once measured>
Source:  Narrations-as-Queries (arXiv:2301.00746) with our model. Half the learning rate of the
         first stage, as GroundNLQ (arXiv:2306.15255) has it.
"""

_base_ = './nlq_asl_sf-ov-clip.py'
load_from = 'work_dirs/nlq_asl_sf-ov-clip_narrations/epoch_15.pth'
optim_wrapper = dict(optimizer=dict(lr=5e-4))
