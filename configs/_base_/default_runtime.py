"""How any run is logged, saved and seeded. Configs say only what differs."""

default_scope = 'egomm'
randomness = dict(seed=0)  # the one seed: weights, order of clips, augmentation

default_hooks = dict(
    runtime_info=dict(type='RuntimeInfoHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=20, ignore_last=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='SealedCheckpointHook', interval=1, max_keep_ckpts=3),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    preemption=dict(type='PreemptionHook'),
    plain_checkpoint=dict(type='PlainCheckpointHook'),
    checkpoint_match=dict(type='CheckpointMatchHook'),
    data_report=dict(type='DataReportHook'),
    run_card=dict(type='RunCardHook'),
)

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)

log_processor = dict(type='LogProcessor', window_size=20, by_epoch=True)
log_level = 'INFO'
# dict(type='TensorboardVisBackend') or dict(type='WandbVisBackend') beside the first one also sends
# the curves there, if their packages are installed.
visualizer = dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])

load_from = None
resume = False
