"""AdamW, 15 epochs, linear warm-up from 0 over 5 epochs, then cosine, step by step.

Source: github.com/JonnyS1226/ego4d_asl, 2 clips a step. MMEngine cannot start at exactly 0 and
does not need to: from 1e-8 of the learning rate on, no step differs by more than 1e-12.
Evaluated and saved is the moving average of the weights. Gaussians, layer scales and all vectors
do not decay (the released code decays the Gaussians). The update is one pass over the weights
(fused), which wants torch 2.4 on a CPU; before that, optim_wrapper.optimizer.fused=False.
"""

max_epochs = 15
warmup_epochs = 5
train_cfg = dict(type='ResumableTrainLoop', max_epochs=max_epochs, val_begin=5, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.05, fused=True),
    paramwise_cfg=dict(
        no_decay=(
            *('centres', 'raw_widths'),
            *('attention_layer_scale', 'word_layer_scale', 'ffn_layer_scale'),
        )
    ),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-8, begin=0, end=warmup_epochs, convert_to_iter_based=True
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-8,
        begin=warmup_epochs,
        end=max_epochs,
        T_max=max_epochs - warmup_epochs,
        convert_to_iter_based=True,
    ),
]
custom_hooks = [dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.001)]
