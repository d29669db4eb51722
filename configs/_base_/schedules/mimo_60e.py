"""AdamW, 60 epochs, linear warm-up over 3 epochs, then cosine; encoders learn ten times slower.

The paper gives 60 epochs and "as in Omnivore"; the rest follows mmaction2's fine-tuning of
Video Swin: no decay on biases, norms, bias tables, tokens and embeddings. Factors multiply
for every key that a parameter's name contains ('bias' also meets the bias tables).
"""

max_epochs = 60
warmup_epochs = 3
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

# mmaction2's learning rate is for 64 clips a step; --auto-scale-lr adapts it to yours.
auto_scale_lr = dict(enable=False, base_batch_size=64)
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='mmaction.SwinOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=1e-3, betas=(0.9, 0.999), weight_decay=0.05),
    paramwise_cfg=dict(
        backbones=dict(lr_mult=0.1),
        bias=dict(decay_mult=0.0),
        norm=dict(decay_mult=0.0),
        task_tokens=dict(decay_mult=0.0),
        modality_embedding=dict(decay_mult=0.0),
    ),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.01, begin=0, end=warmup_epochs, convert_to_iter_based=True
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=0.001,
        begin=warmup_epochs,
        end=max_epochs,
        T_max=max_epochs - warmup_epochs,
        convert_to_iter_based=True,
    ),
]
