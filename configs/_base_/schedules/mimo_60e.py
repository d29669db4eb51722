"""AdamW, 60 epochs, linear warm-up over 3 epochs, then cosine; encoders learn ten times slower.

The paper gives 60 epochs and "as in Omnivore"; the rest follows mmaction2's fine-tuning of
Video Swin. No decay on biases, norms (all vectors), bias tables, task tokens and modality
embeddings; drop path and label smoothing are part of the model.

A step is of 64 clips: 8 a GPU, on 2 GPUs, in 4 batches. On another number of GPUs keep the
product: --cfg-options optim_wrapper.accumulative_counts=8 on one GPU, 1 on eight; or let
--auto-scale-lr scale the learning rate to the product you have. Schedules count batches, not
steps, so they need no change. A run that is asked to end saves after a whole step; of a step that
lies across the end of an epoch, its checkpoint lacks the batches before it.

The update is one pass over the weights (fused), which wants torch 2.4 on a CPU; before that,
--cfg-options optim_wrapper.optimizer.fused=False.

Options, to be added to a config's `_base_` list: ../_base_/recipes/ema.py,
../_base_/recipes/activation_checkpointing.py.
"""

max_epochs = 60
warmup_epochs = 3
train_cfg = dict(type='ResumableTrainLoop', max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

# mmaction2's learning rate is for 64 clips a step.
auto_scale_lr = dict(enable=False, base_batch_size=64)
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=1e-3, betas=(0.9, 0.999), weight_decay=0.05, fused=True),
    paramwise_cfg=dict(
        lr_mult=dict(backbones=0.1),
        no_decay=('relative_position_bias_table', 'task_tokens', 'modality_embedding'),
    ),
    clip_grad=dict(max_norm=5.0),
    accumulative_counts=4,
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
