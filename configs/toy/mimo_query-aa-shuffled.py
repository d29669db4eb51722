"""Toy kitchen, control of attention allocating: entropies of other clips, on a CPU.

Run:     python tools/train.py configs/toy/mimo_query-aa-shuffled.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <validation numbers, once measured>
Source:  the query-aa row with each clip under the entropies of another one of the batch: their
         distribution without their information.
"""

_base_ = './mimo_query-aa.py'
model = dict(parts=dict(allocation=dict(shuffle=True)))
