"""Toy kitchen, query-token fusion with mixup and CutMix of all modalities and tasks, on a CPU.

Run:     python tools/train.py configs/toy/mimo_query_mixed.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <validation numbers, once measured>
Source:  configs/mimo/epic100_swin-t_query_mixed.py, made small.
"""

_base_ = './mimo_query.py'
model = dict(mixing=dict(type='ClipMixing', mixup=0.8, cutmix=1.0))
