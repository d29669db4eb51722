"""Toy kitchen, query fusion with attention allocating and re-allocating, on a CPU.

Run:     python tools/train.py configs/toy/mimo_query-aa.py, then
         python tools/test.py configs/toy/mimo_query-aa.py CHECKPOINT \
             --dump validation.pkl --cfg-options model.record="['readout']"
         python tools/search_reallocation.py configs/toy/mimo_query-aa.py CHECKPOINT \
             validation.pkl --out my_ar.py
         python tools/test.py my_ar.py CHECKPOINT, or, with its weights put in below,
         python tools/test.py configs/toy/mimo_query-aa-ar.py CHECKPOINT
Cost:    no training of its own; <minutes of the search, once measured>
Expect:  <validation numbers, once measured>
Source:  configs/mimo/epic100_swin-t_query-aa-ar.py, made small. The weights are 1, which changes
         nothing, until the search has written yours.
"""

_base_ = './mimo_query-aa.py'
model = dict(
    neck=dict(
        reallocation=dict(
            type='FixedReallocation',
            weights=dict(
                verb=dict(rgb=1.0, flow=1.0, audio=1.0), noun=dict(rgb=1.0, flow=1.0, audio=1.0)
            ),
        )
    )
)
