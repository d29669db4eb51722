"""Toy kitchen, concatenation balanced by the noun classifier (OGM) on a CPU.

Run:     python tools/train.py configs/toy/mimo_concat-ogm-noun.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <validation numbers, once measured>
Source:  as the OGM config of the verb classifier, alpha 0.1 included (the paper is silent).
"""

_base_ = './mimo_concat-ogm-verb.py'
default_hooks = dict(modality_balance=dict(task='noun'))
