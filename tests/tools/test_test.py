"""tools/test.py on the split without labels, from its CSV to a file to submit."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from egomm.functional.csv_columns import read_columns
from egomm.registry import MODELS
from egomm.submission.fusion import fuse
from egomm.submission.result_files import read_results

CONFIG = 'configs/toy/mimo_query.py'


@pytest.fixture(scope='module')
def checkpoint(command_line, tmp_path_factory):
    """An untrained toy model."""
    config = Config.fromfile(command_line.tools.parent / CONFIG)
    with DefaultScope.overwrite_default_scope('egomm'):
        model = MODELS.build(config.model)
    path = tmp_path_factory.mktemp('checkpoint') / 'toy.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


def test_test_split_gives_result_file_and_dump_with_the_same_scores(
    command_line, checkpoint, toy_world, tmp_path
):
    output = command_line.call(
        command_line.python,
        command_line.tools / 'test.py',
        CONFIG,
        checkpoint,
        '--work-dir',
        tmp_path / 'run',
        '--results',
        tmp_path / 'new' / 'scores.pkl',
        '--dump',
        tmp_path / 'dump.pkl',
        '--cfg-options',
        'test_dataloader.dataset.ann_file=annotations/EPIC_100_test_timestamps.csv',
        f'test_dataloader.dataset.data_root={toy_world}/',
        'test_dataloader.num_workers=0',
        'test_dataloader.persistent_workers=False',
    )
    assert 'Wrote the scores of 8 clips to ' in output
    results = read_results(tmp_path / 'new' / 'scores.pkl')
    file = toy_world / 'annotations' / 'EPIC_100_test_timestamps.csv'
    assert results.narration_ids == read_columns(file, {'narration_id': str})['narration_id']
    assert (results.verb.shape, results.noun.shape) == ((8, 12), (8, 16))
    fused = fuse([results, read_results(tmp_path / 'dump.pkl')])
    assert (fused.verb == results.verb).all()
    assert (fused.noun == results.noun).all()


@pytest.mark.long
def test_three_localizers_are_joined_tested_and_drawn(command_line, feature_world, tmp_path):
    def tool(name, *arguments):
        file = command_line.tools / f'{name}.py'
        return command_line.call(command_line.python, file, *arguments)

    config = 'configs/toy/asl_mq.py'
    with DefaultScope.overwrite_default_scope('egomm'):
        for name in 'abc':
            model = MODELS.build(Config.fromfile(command_line.tools.parent / config).model)
            torch.save(dict(state_dict=model.state_dict()), tmp_path / f'{name}.pth')
    members = [tmp_path / f'{name}.pth' for name in 'abc']
    assert '3 members' in tool('join_checkpoints', *members, '--out', tmp_path / 'all.pth')
    found = tmp_path / 'found.json'
    output = tool(
        'test',
        config,
        tmp_path / 'all.pth',
        '--work-dir',
        tmp_path / 'run',
        '--results',
        found,
        '--cfg-options',
        'model.type=LocalizationEnsemble',
        'model.count=3',
        f'test_dataloader.dataset.data_root={feature_world}/',
        'test_dataloader.num_workers=0',
        'test_dataloader.persistent_workers=False',
    )
    assert f'Wrote the moments of 2 clips to {found}' in output
    truth = feature_world / 'annotations' / 'moments_val.json'
    assert 'average_mAP' in tool('score', 'mq', found, '--annotations', truth)
    tool('draw_segments', 'mq', found, '--annotations', truth, '--out', tmp_path / 'pictures')
    assert len(list((tmp_path / 'pictures').iterdir())) == 3


def test_another_end_of_the_name_is_an_error_of_the_command_line(command_line, tmp_path):
    output = command_line.call(
        command_line.python,
        command_line.tools / 'test.py',
        CONFIG,
        'x.pth',
        '--results',
        'scores.npz',
        code=2,
    )
    assert '--results wants a name that ends in .pkl, .pt or .json; got scores.npz' in output
