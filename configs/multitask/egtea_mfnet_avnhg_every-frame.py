"""EGTEA Gaze+: action, verb, noun, hands and gaze, gaze tested on every frame of every clip.

Run:     python tools/test.py configs/multitask/egtea_mfnet_avnhg_every-frame.py CHECKPOINT
Cost:    <once measured>
Expect:  ours <once measured>
Source:  configs/multitask/egtea_mfnet_avnhg.py, whose training and checkpoints it shares. Blocks of
         eight frames, each doubled, as in its authors' code; the 2,022 test clips of split 1 have
         206,649 frames, of which the paper scores 177,292.
"""

_base_ = './egtea_mfnet_avnhg.py'
blocks = dict(_delete_=True, type='SampleBlocks', num_frames=16, every=2)
test_dataloader = dict(dataset=dict(pipeline=dict(times=blocks)))
test_evaluator = _base_.val_evaluator[1:]  # that of points
