"""EPIC-KITCHENS-100, query-token fusion on cached tokens: neck and heads alone, encoders frozen.

Run:     python tools/extract_features.py configs/mimo/epic100_swin-t_query.py CHECKPOINT \
             --tokens --dtype float16 --out data/epic100/tokens
         python tools/train.py configs/mimo/epic100_swin-t_query_tokens.py
Cost:    24 GB of disk in float16: 3 x 768 x 4 x 7 x 7 numbers for each of 16,804 training and
         9,668 validation clips; <GPU minutes, once measured>
Expect:  <validation numbers, once measured>
Source:  as the query config, but the encoders of CHECKPOINT stay as they are and clips pass the
         evaluation pipeline once, so nothing is random.
"""

_base_ = './epic100_swin-t_query.py'

tokens = 'data/epic100/tokens/'

model = dict(
    data_preprocessor=dict(modalities=dict.fromkeys(_base_.model.backbones)),  # None: as they are
    backbones={
        name: dict(_delete_=True, type='torch.nn.Identity') for name in _base_.model.backbones
    },
)
train_dataloader = dict(dataset=dict(_delete_=True, type='CachedTokens', folder=tokens + 'train'))
val_dataloader = dict(dataset=dict(_delete_=True, type='CachedTokens', folder=tokens + 'val'))
test_dataloader = val_dataloader
