"""Action Sensitivity Learning for videos of EPIC-KITCHENS: one source, six levels, 512 channels.

Source: the block and the sensitivity of configs/_base_/models/asl_mq.py; width, levels, ranges, a
window of 9, the start of the running mean and sigma as ActionFormer's configs for EPIC-KITCHENS
have them (github.com/happyharrycn/actionformer_release). Videos are too long for all steps to see
all. A config adds the heads.
"""

channels = 512
model = dict(
    type='MultiIOModel',
    data_preprocessor=dict(type='SequencePreprocessor'),
    backbones=dict(slowfast=dict(type='FeatureProjection', in_channels=2304, out_channels=512)),
    neck=dict(
        type='TemporalPyramid',
        in_channels=dict(slowfast=512),
        channels=channels,
        num_heads=16,
        stem_blocks=3,
        levels=6,
        temporal_share=0.8,
        window=9,
        max_length=2304,
    ),
)
localizer = dict(
    type='LocalizationHead',
    in_channels=channels,
    ranges=[(0, 4), (2, 8), (4, 16), (8, 32), (16, 64), (32, 10000)],
    loss=dict(sensitivity=dict(form='paper'), start=250.0),
    decoding=dict(sigma=0.4),
)
