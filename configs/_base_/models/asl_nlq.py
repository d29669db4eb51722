"""Action Sensitivity Learning for queries: SlowFast, Omnivore and CLIP features, words of CLIP.

Source: arXiv:2306.09172 (3.3, 4.1): the encoder of moments at 512 channels, 16 heads, layers that
attend to the words, one class with one Gaussian each, and a contrast of frames with the text. No
code was released. Where the paper is silent: levels, ranges and four layers of self-attention among
the words as in GroundNLQ (arXiv:2306.15255), attention to words within the three stem blocks;
the contrast weighs 1.
"""

channels = 512
model = dict(
    type='MultiIOModel',
    data_preprocessor=dict(type='SequencePreprocessor'),
    backbones=dict(
        slowfast=dict(type='FeatureProjection', in_channels=2304, out_channels=128),
        omnivore=dict(type='FeatureProjection', in_channels=1536, out_channels=128),
        clip=dict(type='FeatureProjection', in_channels=512, out_channels=256),
        words=dict(type='torch.nn.Identity'),
    ),
    neck=dict(
        type='TemporalPyramid',
        in_channels=dict(slowfast=128, omnivore=128, clip=256),
        channels=channels,
        num_heads=16,
        stem_blocks=3,
        levels=7,
        temporal_share=0.8,
        words=dict(source='words', in_channels=768, num_layers=4),
        max_length=2560,
    ),
    heads=dict(
        query=dict(
            type='LocalizationHead',
            in_channels=channels,
            num_classes=1,
            ranges=[(0, 4), (2, 8), (4, 16), (8, 32), (16, 64), (32, 128), (64, 10000)],
            loss=dict(sensitivity=dict(form='paper')),
            decoding=dict(max_segments=5),
        )
    ),
    parts=dict(contrast=dict(type='FrameTextContrast', task='query')),
)
