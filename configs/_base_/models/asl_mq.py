"""Action Sensitivity Learning for moments: EgoVLP features, eight levels, 1024 channels.

Source: arXiv:2306.09172, with what it does not say (heads, ranges, decoding) from
github.com/JonnyS1226/ego4d_asl; the sensitivity is the paper's form. Each source is projected to
the width that it has in the four-source model: EgoVLP 256, SlowFast 128, Omnivore 128, InternVideo
512. With fewer sources the first convolution maps their sum to 1024.
"""

channels = 1024
model = dict(
    type='MultiIOModel',
    data_preprocessor=dict(type='SequencePreprocessor'),
    backbones=dict(egovlp=dict(type='FeatureProjection', in_channels=256, out_channels=256)),
    neck=dict(
        type='TemporalPyramid',
        in_channels=dict(egovlp=256),
        channels=channels,
        num_heads=16,
        stem_blocks=3,
        levels=8,
        temporal_share=0.8,
        max_length=1024,
    ),
    heads=dict(
        moment=dict(
            type='LocalizationHead',
            in_channels=channels,
            num_classes=110,
            ranges=[
                *((0, 4), (2, 8), (4, 16), (8, 32), (16, 64), (32, 128), (64, 256)),
                (128, 10000),
            ],
            loss=dict(sensitivity=dict(form='paper')),
        )
    ),
)
