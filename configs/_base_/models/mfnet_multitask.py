"""MFNet-3D with heads for action, verb, noun, hands and gaze, all on its last map.

Source: Kapidis et al. (2019). A config of fewer tasks sets the other heads to None.
`pretrained` of the backbone is the file that `python tools/convert_checkpoint.py mfnet` writes from
the Kinetics-400 weights: --cfg-options model.backbones.rgb.pretrained=mfnet3d.pth. None: random
weights. The paper's loss weights of points are 0.5 and 0.5, its authors' code has 1 and 1; the
code's are the default here, and dropout is none as in it.
"""


def classes(num_classes):
    return dict(
        type='ClassificationHead',
        in_channels=768,
        num_classes=num_classes,
        source='rgb',
        dropout=0.0,
    )


def points(num_points):
    return dict(type='CoordinateHead', in_channels=768, num_points=num_points, source='rgb')


model = dict(
    type='MultiIOModel',
    data_preprocessor=dict(
        type='EgoDataPreprocessor',
        modalities=dict(rgb=dict(mean=[124.0, 117.0, 104.0], std=[58.395, 57.12, 57.375])),
    ),
    backbones=dict(rgb=dict(type='MFNet3D', pretrained=None)),
    neck=dict(type='torch.nn.Identity'),
    heads=dict(
        action=classes(106),
        verb=classes(19),
        noun=classes(53),
        hands=points(2),
        gaze=points(1),
    ),
    weighting=dict(type='FixedWeights'),
)
