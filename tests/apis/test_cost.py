from mmengine.config import Config

from egomm.apis.cost import count_parts
from tests.apis.conftest import ROOT


def test_parameters_and_operations_of_a_localizer_are_those_counted_by_hand():
    config = Config.fromfile(ROOT / 'configs/toy/asl_mq.py')
    rows, shapes = count_parts(config, length=64)
    assert shapes == dict(ego=(1, 16, 64), slow=(1, 24, 64))
    cost = {row.part: row for row in rows}
    # One linear layer from 16 to 32 channels at 64 positions.
    assert cost['backbones.ego'][1:] == (16 * 32 + 32, 16 * 32 + 32, 2 * 64 * 16 * 32)
    # Two stacks of two convolutions over 3 steps and the two last ones, on 6 levels of 64 + ... + 2
    # positions with 5 gaps, at which the biases are not counted as operations.
    places = 64 + 32 + 16 + 8 + 4 + 2 + 5
    weights = 3 * (4 * 64 * 64 + 64 * 12 + 64 * 2)
    assert cost['heads.moment'].operations == 2 * places * weights
    norms, biases, scales = 4 * 2 * 64, 12 + 2, 6
    gaussians = 2 * 3 * 12  # centre and width for each class, of its points, starts and ends
    own = weights + norms + biases + scales
    assert cost['heads.moment'].parameters == own + gaussians
    assert cost['total'].operations == sum(row.operations for row in rows[:-1])
    assert cost['total'].parameters == sum(row.parameters for row in rows[:-1])


def test_parts_of_a_recognizer_of_three_modalities_add_up():
    config = Config.fromfile(ROOT / 'configs/toy/mimo_query.py')
    rows, shapes = count_parts(config)
    assert list(shapes) == ['rgb', 'flow', 'audio']
    cost = {row.part: row for row in rows}
    rooms = [*(f'backbones.{name}' for name in shapes), 'neck', 'heads.verb', 'heads.noun']
    assert list(cost) == [*rooms, 'total']
    assert all(row.operations and row.parameters for row in rows)
    assert cost['total'].operations == sum(row.operations for row in rows[:-1])
    assert cost['total'].parameters == sum(row.parameters for row in rows[:-1])
    assert cost['heads.verb'][1:] == (96 * 12 + 12, 96 * 12 + 12, 2 * 96 * 12)


def test_a_recognizer_of_one_modality():
    config = Config.fromfile(ROOT / 'configs/toy/multitask_a.py')
    rows, _ = count_parts(config)
    cost = {row.part: row for row in rows}
    # From 96 channels to 80 actions, once a clip.
    assert cost['heads.action'][1:] == (96 * 80 + 80, 96 * 80 + 80, 2 * 96 * 80)
    assert cost['backbones.rgb'].operations > 1e6
