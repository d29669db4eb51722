"""One Video Swin-T a modality, query-token fusion, a verb and a noun head.

Source: Hou et al. (2023). Swin-T as in Omnivore (window 8x7x7, drop path 0.2); flow has two
channels (u, v), a spectrogram one. Tokens stay at 768 channels, one attention layer, 8 heads.
`pretrained` of each encoder is the file that `python tools/convert_checkpoint.py omnivore` writes
(the paper starts all three from Omnivore; flow and spectrogram get the mean of the RGB kernels):
--cfg-options model.backbones.rgb.pretrained=swin_t.pth model.backbones.flow.pretrained=swin_t.pth
model.backbones.audio.pretrained=swin_t.pth, or the same keys in a config. None: random weights.
RGB is normalised with ImageNet's mean and standard deviation, flow around its zero with the
spread of TSN's flow models (0.226 of 255), spectrograms with a round guess of theirs.
"""


def swin_t(in_channels):
    return dict(
        type='WrappedBackbone',
        model=dict(
            type='mmaction.SwinTransformer3D',
            arch=dict(embed_dims=96, depths=[2, 2, 6, 2], num_heads=[3, 6, 12, 24]),
            in_channels=in_channels,
            drop_path_rate=0.2,
            pretrained2d=False,
        ),
        pretrained=None,
    )


model = dict(
    type='MultiIOModel',
    data_preprocessor=dict(
        type='EgoDataPreprocessor',
        modalities=dict(
            rgb=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
            flow=dict(mean=[128.0, 128.0], std=[57.63, 57.63]),
            audio=dict(mean=[-6.0], std=[4.0]),
        ),
    ),
    backbones=dict(rgb=swin_t(3), flow=swin_t(2), audio=swin_t(1)),
    neck=dict(
        type='QueryFusion',
        in_channels=dict(rgb=768, flow=768, audio=768),
        out_channels=768,
        tasks=('verb', 'noun'),
    ),
    heads=dict(
        verb=dict(
            type='ClassificationHead',
            in_channels=768,
            num_classes=97,
            source='verb',
            loss=dict(type='SoftmaxCrossEntropy', label_smoothing=0.1),
        ),
        noun=dict(
            type='ClassificationHead',
            in_channels=768,
            num_classes=300,
            source='noun',
            loss=dict(type='SoftmaxCrossEntropy', label_smoothing=0.1),
        ),
    ),
    record=('attention',),
)
