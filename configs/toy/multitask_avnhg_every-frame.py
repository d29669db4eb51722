"""Toy kitchen in the layout of EGTEA Gaze+: all tasks, points tested on every frame of every clip.

Run:     python tools/make_toy_kitchen.py data/toy_kitchen --egtea
         python tools/test.py configs/toy/multitask_avnhg_every-frame.py CHECKPOINT
Cost:    <once measured>
Expect:  <test scores, once measured>
Source:  configs/toy/multitask_avnhg.py, whose training and checkpoints it shares. The small network
         makes one step of four frames, so blocks have four frames, each four times.
"""

_base_ = './multitask_avnhg.py'
blocks = dict(_delete_=True, type='SampleBlocks', num_frames=16, every=4)
test_dataloader = dict(dataset=dict(pipeline=dict(times=blocks)))
test_evaluator = _base_.val_evaluator[1:]  # that of points
