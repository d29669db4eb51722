"""Toy kitchen, RGB + flow + audio, query-token fusion: the paper's main row on a CPU.

Run:     bash tools/quickstart.sh, or
         python tools/make_toy_kitchen.py data/toy_kitchen
         python tools/train.py configs/toy/mimo_query.py
Cost:    2 minutes on 2 cores (118 s, one run on a shared machine)
Expect:  59.0 / 25.5 / 17.5 (verb / noun / action top-1 on 200 clips of unseen participants, seed 0,
         one run; majority class 10.0 / 8.0 / 2.0)
Source:  configs/mimo/epic100_swin-t_query.py, made small.
"""

_base_ = [
    '../_base_/models/mimo_toy.py',
    '../_base_/datasets/toy_kitchen.py',
    '../_base_/schedules/toy.py',
    '../_base_/default_runtime.py',
]
default_hooks = dict(logger=dict(interval=5))
