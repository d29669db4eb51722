import importlib.util
import math
import sys
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from mmengine.config import Config

from egomm.apis import onnx_export
from egomm.apis.plain_model import plain_model
from egomm.registry import MODELS
from tests.apis.conftest import ROOT


@pytest.fixture
def small():
    """Config and checkpoint of a toy model with fewer layers, with random weights."""

    def make(name, folder, **changes):
        config = Config.fromfile(ROOT / f'configs/toy/{name}.py')
        config.merge_from_dict(changes)
        torch.manual_seed(3)
        model = MODELS.build(config.model)
        for parameter in model.parameters():  # heads start so small that little would be compared
            parameter.data.add_(0.05 * torch.randn_like(parameter))
        torch.save({'state_dict': model.state_dict()}, folder / 'weights.pth')
        return config, str(folder / 'weights.pth')

    return make


def test_five_tasks_of_a_recognizer_are_those_of_pytorch(small, tmp_path):
    config, weights = small('multitask_avnhg', tmp_path)
    inputs, found = onnx_export.export_onnx(config, weights, tmp_path / 'new' / 'x.onnx', batch=2)
    assert inputs == dict(rgb=(2, 3, 16, 64, 64), rgb_present=(2,))
    assert list(found) == ['action', 'verb', 'noun', 'hands', 'gaze']
    assert all(0 < one.scale and one.largest <= 1e-4 * one.scale for one in found.values())


def test_the_network_of_a_localizer_with_words_is_that_of_pytorch(small, tmp_path):
    config, weights = small('asl_nlq', tmp_path, **{'model.neck.stem_blocks': 1})
    path = tmp_path / 'x.onnx'
    inputs, found = onnx_export.export_onnx(config, weights, path, length=64)
    assert inputs['ego'] == (1, 16, 64)
    assert inputs['words'] == (1, 1, 48)
    assert list(found) == ['query_logits', 'query_offsets']
    assert all(0 < one.scale and one.largest <= 1e-4 * one.scale for one in found.values())


@pytest.mark.long
def test_a_recognizer_of_three_modalities_is_that_of_pytorch(recognizer, tmp_path):
    config, weights = recognizer
    path = tmp_path / 'x.onnx'
    inputs, found = onnx_export.export_onnx(Config.fromfile(config), weights, path)
    assert list(inputs)[3:] == ['rgb_present', 'flow_present', 'audio_present']
    assert all(0 < one.scale and one.largest <= 1e-4 * one.scale for one in found.values())


def test_an_answer_that_is_no_number_is_no_agreement(monkeypatch):
    entry = SimpleNamespace(name='x')
    session = SimpleNamespace(
        get_inputs=lambda: [entry], run=lambda names, given: [np.full(2, np.nan, np.float32)]
    )
    module = SimpleNamespace(InferenceSession=lambda *args, **more: session)
    monkeypatch.setitem(sys.modules, 'onnxruntime', module)
    network = Mock(return_value=[torch.ones(2)], output_names=lambda: ['y'])
    found = onnx_export.compare(network, 'x.onnx', [dict(x=torch.ones(2))] * 2)['y']
    assert math.isnan(found.largest)
    assert found.scale == 1


def test_other_weights_are_found_out(small, tmp_path):
    from onnx import TensorProto, helper, save

    (tmp_path / 'a').mkdir()
    config, weights = small('multitask_a', tmp_path / 'a')
    network, examples = plain_model(config, weights)
    # A graph that answers 0 to everything.
    node = helper.make_node(
        'Constant', [], ['action'], value=helper.make_tensor('x', 1, (1, 80), [0.0] * 80)
    )
    inputs = [helper.make_tensor_value_info('rgb', TensorProto.FLOAT, (1, 3, 16, 64, 64))]
    outputs = [helper.make_tensor_value_info('action', TensorProto.FLOAT, (1, 80))]
    graph = helper.make_graph([node], 'zero', inputs, outputs)
    save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=8),
        tmp_path / 'zero.onnx',
    )
    difference = onnx_export.compare(network, tmp_path / 'zero.onnx', examples)['action']
    assert difference.largest == difference.scale > 0


def test_missing_packages_and_wrong_arguments_are_named(small, tmp_path, monkeypatch):
    config = Config.fromfile(ROOT / 'configs/toy/multitask_a.py')
    with pytest.raises(ValueError, match=r'end in \.onnx; got x.pb'):
        onnx_export.export_onnx(config, 'x.pth', 'x.pb')
    with pytest.raises(ValueError, match='length is for models of moments'):
        onnx_export.export_onnx(config, 'x.pth', 'x.onnx', length=3)
    with pytest.raises(ValueError, match='from 1 up; got 0'):
        onnx_export.export_onnx(config, 'x.pth', 'x.onnx', batch=0)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, 'find_spec', lambda name: None if name == 'onnxruntime' else find(name)
    )
    with pytest.raises(ValueError, match=r"onnxruntime missing. Install .*'egomm\[onnx\]'"):
        onnx_export.export_onnx(config, 'x.pth', 'x.onnx')
