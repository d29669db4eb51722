"""Toy kitchen, control of attention allocating: the loss as printed, on a CPU.

Run:     python tools/train.py configs/toy/mimo_query-aa-printed.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <validation numbers, once measured>
Source:  the query-aa row with Eq. (1) as the paper prints it, which moves attention to the modality
         that is certain; its prose and the query-aa row say the opposite.
"""

_base_ = './mimo_query-aa.py'
model = dict(parts=dict(allocation=dict(direction='as_printed')))
