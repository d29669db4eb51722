"""The MIMO recognizer small enough for a CPU: two Swin stages of one block, 32 and 64 channels.

Weights keep torch's initialisation: Swin's standard deviation of 0.02 is too small for so few
channels.
"""

_base_ = './mimo_swin-t.py'


def small_swin():
    return dict(
        model=dict(
            arch=dict(embed_dims=32, depths=[1, 1], num_heads=[2, 4]),
            patch_size=(2, 8, 8),
            window_size=(4, 4, 4),
            out_indices=(1,),
            drop_path_rate=0.0,
            init_cfg=None,
        )
    )


channels = dict(rgb=64, flow=64, audio=64)
model = dict(
    backbones=dict(rgb=small_swin(), flow=small_swin(), audio=small_swin()),
    neck=dict(in_channels=channels, out_channels=64, num_heads=4),
    heads=dict(
        verb=dict(in_channels=64, num_classes=12, dropout=0.1),
        noun=dict(in_channels=64, num_classes=16, dropout=0.1),
    ),
)
