"""The MIMO recognizer small enough for a CPU: two Swin stages of one block, 48 and 96 channels.

Weights keep torch's initialisation: Swin's standard deviation of 0.02 is too small for so few
channels.
"""

_base_ = './mimo_swin-t.py'


def small_swin():
    return dict(
        model=dict(
            arch=dict(embed_dims=48, depths=[1, 1], num_heads=[2, 4]),
            patch_size=(2, 8, 8),
            window_size=(4, 4, 4),
            out_indices=(1,),
            drop_path_rate=0.0,
            init_cfg=None,
        )
    )


channels = dict(rgb=96, flow=96, audio=96)
model = dict(
    backbones=dict(rgb=small_swin(), flow=small_swin(), audio=small_swin()),
    neck=dict(in_channels=channels, out_channels=96, num_heads=4),
    heads=dict(
        verb=dict(in_channels=96, num_classes=12, dropout=0.1, loss=dict(label_smoothing=0.0)),
        noun=dict(in_channels=96, num_classes=16, dropout=0.1, loss=dict(label_smoothing=0.0)),
    ),
)
