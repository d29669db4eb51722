"""Toy kitchen, RGB + flow + audio, query-token fusion: the paper's main row on a CPU.

Run:     bash tools/quickstart.sh, or
         python tools/make_toy_kitchen.py data/toy_kitchen
         python tools/train.py configs/toy/mimo_query.py
Cost:    53 s on 2 cores (one run; with generating the data and drawing 91 s)
Expect:  41.5 / 32.0 / 14.0 (verb / noun / action top-1 on 200 clips of unseen participants, seed 0,
         one run; majority class 10.0 / 8.0 / 2.0); far from converged, 21 epochs gave
         86.0 / 56.5 / 50.5 once
Source:  configs/mimo/epic100_swin-t_query.py, made small.
"""

_base_ = [
    '../_base_/models/mimo_toy.py',
    '../_base_/datasets/toy_kitchen.py',
    '../_base_/schedules/toy.py',
    '../_base_/default_runtime.py',
]
default_hooks = dict(logger=dict(interval=5))
