"""Toy kitchen, control of the query tokens: one token for both tasks, on a CPU.

Run:     python tools/train.py configs/toy/mimo_query-1token.py
Cost:    <minutes on 2 cores, once measured>
Expect:  <validation numbers, once measured>
Source:  the query row with one shared token that both heads read: attention without a look of
         its own for each task.
"""

_base_ = './mimo_query.py'
model = dict(
    neck=dict(tasks=('shared',)), heads=dict(verb=dict(source='shared'), noun=dict(source='shared'))
)
