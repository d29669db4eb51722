"""EGTEA Gaze+: action, verb, noun, hands and gaze on SlowOnly-50 of mmaction2 in place of MFNet-3D.

Run:     python tools/train.py configs/multitask/egtea_slowonly_avnhg.py
Cost:    <GPU hours, once measured>
Expect:  <test accuracy of split 1, once measured>
Source:  configs/multitask/egtea_mfnet_avnhg.py; the paper has no such row. The network keeps all
         16 steps of time, so every frame has a target.
"""

_base_ = './egtea_mfnet_avnhg.py'

model = dict(
    backbones=dict(
        rgb=dict(
            _delete_=True,
            type='WrappedBackbone',
            model=dict(
                type='mmaction.ResNet3dSlowOnly',
                depth=50,
                pretrained=None,
                zero_init_residual=False,  # all layers learn from the first step on
            ),
            pretrained=None,
        )
    ),
    heads=dict(
        action=dict(in_channels=2048),
        verb=dict(in_channels=2048),
        noun=dict(in_channels=2048),
        hands=dict(in_channels=2048),
        gaze=dict(in_channels=2048),
    ),
)
data = dict(dataset=dict(pipeline=dict(targets=dict(every=1))))
train_dataloader = data
val_dataloader = data
test_dataloader = data
