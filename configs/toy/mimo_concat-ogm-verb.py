"""Toy kitchen, concatenation balanced by the verb classifier (OGM) on a CPU.

Run:     python tools/train.py configs/toy/mimo_concat-ogm-verb.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <validation numbers, once measured>
Source:  configs/mimo/epic100_swin-t_concat-ogm-verb.py, made small: alpha 0.1 (the paper is
         silent; OGM's README for VGGSound), the first four of seven epochs.
"""

_base_ = './mimo_concat.py'
default_hooks = dict(
    modality_balance=dict(type='ModalityBalanceHook', task='verb', alpha=0.1, end_epoch=4)
)
