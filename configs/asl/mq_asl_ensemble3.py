"""Three models of moments on EgoVLP and InternVideo features, their raw outputs averaged.

Run:     for seed in 3407 34073 42; do python tools/train.py \
             configs/asl/mq_asl_internvideo-egovlp.py --seed $seed --work-dir work_dirs/e$seed; done
         python tools/join_checkpoints.py work_dirs/e*/epoch_15.pth --out ensemble3.pth
         python tools/test.py configs/asl/mq_asl_ensemble3.py ensemble3.pth
Cost:    three times that of configs/asl/mq_asl_internvideo-egovlp.py
Expect:  <validation average mAP / R@1x at 0.5, once measured>
         (the paper reports 29.34 / 48.50 on the test split)
Source:  arXiv:2306.09172, 4.1 and Table 2: the mean of the logits of three models. The
         authors' code averages five; the seeds are three of theirs.
"""

_base_ = './mq_asl_internvideo-egovlp.py'

model = dict(type='LocalizationEnsemble', count=3)
