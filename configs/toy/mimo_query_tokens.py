"""Toy kitchen, query-token fusion on cached tokens: neck and heads alone, encoders frozen.

Run:     python tools/train.py configs/toy/mimo_query.py
         python tools/extract_features.py configs/toy/mimo_query.py \
             work_dirs/mimo_query/epoch_7.pth --tokens --out data/toy_kitchen/tokens
         python tools/train.py configs/toy/mimo_query_tokens.py
Cost:    13 s to extract and 21 s to train on 2 cores (one run each on a shared machine), 50 MB
Expect:  <validation numbers, once measured>
Source:  as the toy query config; clips pass the evaluation pipeline once, so nothing is random.

To make the cached twin of another config, copy this file and change `_base_` and `tokens`.
"""

_base_ = './mimo_query.py'

tokens = 'data/toy_kitchen/tokens/'

model = dict(
    data_preprocessor=dict(modalities=dict.fromkeys(_base_.model.backbones)),  # None: as they are
    backbones={
        name: dict(_delete_=True, type='torch.nn.Identity') for name in _base_.model.backbones
    },
)
train_dataloader = dict(dataset=dict(_delete_=True, type='CachedTokens', folder=tokens + 'train'))
val_dataloader = dict(dataset=dict(_delete_=True, type='CachedTokens', folder=tokens + 'val'))
test_dataloader = val_dataloader
