import pytest
import torch
from mmengine.config import Config

from egomm.apis.load import load_model
from egomm.registry import MODELS

BACKBONE = dict(
    type='WrappedBackbone',
    model=dict(type='torch.nn.Conv3d', in_channels=1, out_channels=4, kernel_size=1),
)


def config(classes=3):
    return Config(
        dict(
            model=dict(
                type='MultiIOModel',
                backbones=dict(rgb=BACKBONE),
                neck=dict(type='ConcatFusion', in_channels=dict(rgb=4)),
                heads=dict(
                    verb=dict(
                        type='ClassificationHead',
                        in_channels=4,
                        num_classes=classes,
                        source='fused',
                    )
                ),
            )
        )
    )


def save_random_weights(folder):
    """Save weights as a distributed run does; returns them."""
    weights = MODELS.build(config().model).state_dict()
    wrapped = {f'module.{name}': value for name, value in weights.items()}
    torch.save(dict(state_dict=wrapped), folder / 'model.pth')
    return weights


def test_the_model_has_the_weights_of_the_file_and_predicts(tmp_path):
    first = save_random_weights(tmp_path)
    model = load_model(config(), tmp_path / 'model.pth')
    assert not model.training
    torch.testing.assert_close(model.state_dict(), first, rtol=0, atol=0)


def test_another_architecture_is_told_by_its_names(tmp_path):
    save_random_weights(tmp_path)
    with pytest.raises(ValueError, match=r'not of the architecture.*heads.verb.linear.weight'):
        load_model(config(classes=5), tmp_path / 'model.pth')


def test_what_holds_no_model_and_no_weights_is_refused(tmp_path):
    torch.save([torch.ones(1)], tmp_path / 'list.pth')
    with pytest.raises(ValueError, match='holds no weights by name'):
        load_model(config(), tmp_path / 'list.pth')
    with pytest.raises(ValueError, match='has no `model`'):
        load_model(Config(dict(a=1)), tmp_path / 'list.pth')
