"""Evaluate and save the moving average of the weights.

A step moves the average by 1 / 1000, and by 10 / (10 + batches so far) while that is more, so that
the start is forgotten. The last of 15,765 steps in the paper's setting then average about four of
60 epochs. A checkpoint's `state_dict` is the average; the weights that training goes on with are
in `ema_state_dict`. `interval` is that of the steps: set it to optim_wrapper.accumulative_counts.
Add the path of this file to `_base_` of a config:

    _base_ = ['./epic100_swin-t_query.py', '../_base_/recipes/ema.py']
"""

custom_hooks = [
    dict(type='EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.001, gamma=10, interval=4)
]
