"""EPIC-KITCHENS-55: verb, noun and hands, scores of the test sets s1 and s2 for the server.

Run:     python tools/test.py configs/multitask/epic55_mfnet_vnh_test-sets.py CHECKPOINT
         and the same after `export EPIC55_TEST=s2`; then
         python tools/submit.py ek55 work_dirs/epic55_mfnet_vnh_test-sets/s1.pkl \\
             work_dirs/epic55_mfnet_vnh_test-sets/s2.pkl --out submission.zip \\
             --s1 EPIC_test_s1_timestamps.csv --s2 EPIC_test_s2_timestamps.csv
Cost:    <once measured>
Expect:  <scores of the server, once measured>
Source:  configs/multitask/epic55_mfnet_vnh.py, whose training and checkpoints it shares. The
         window of 64 frames is that of its authors' submission; validation has 32:
         --cfg-options test_dataloader.dataset.pipeline.times.window=32
"""

_base_ = './epic55_mfnet_vnh.py'
test_dataloader = dict(
    dataset=dict(
        ann_file='annotations/EPIC_test_{{$EPIC55_TEST:s1}}_timestamps.csv',
        split=None,
        sources=dict(hands=None),
        pipeline=dict(times=dict(window=64), hands=None),
    )
)
test_evaluator = [
    dict(type='ResultFile', path='work_dirs/epic55_mfnet_vnh_test-sets/{{$EPIC55_TEST:s1}}.pkl')
]
