"""Narrations as queries, the first stage of two; nlq_asl_sf-ov-clip_finetuned.py is the second.

Run:     python tools/prepare/narrations.py data/ego4d/annotations/narration.json \\
             --clips data/ego4d/annotations/{nlq,moments}_train.json \\
             --held-out data/ego4d/annotations/{nlq_val,nlq_test_unannotated}.json \\
             --out data/ego4d/annotations/nlq_narrations.json
         python tools/extract_text_features.py --model models/clip-vit-large-patch14 \\
             --out data/ego4d/features/clip_text data/ego4d/annotations/nlq_*.json
         python tools/train.py configs/asl/nlq_asl_sf-ov-clip_narrations.py
Cost:    <GPU hours, once measured>
Expect:  <validation R@1 at 0.3 / 0.5, once measured>
Source:  Narrations-as-Queries (arXiv:2301.00746) with our model; the schedule is that of the row.
"""

_base_ = './nlq_asl_sf-ov-clip.py'
train_dataloader = dict(dataset=dict(ann_file='annotations/nlq_narrations.json'))
