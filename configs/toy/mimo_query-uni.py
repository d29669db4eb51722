"""Toy kitchen, control of attention allocating: unimodal classifiers alone, on a CPU.

Run:     python tools/train.py configs/toy/mimo_query-uni.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <validation numbers, once measured>
Source:  the query-aa row with lambda 0: the unimodal classifiers and their loss without the
         allocating loss. Their features are detached, so all else is the query row.
"""

_base_ = './mimo_query-aa.py'
model = dict(parts=dict(allocation=dict(weight=0.0)))
