"""tools/fit_temperature.py as a user calls it."""

import importlib.util
import pickle

import pytest
import torch


@pytest.fixture(scope='module')
def tool(command_line):
    """tools/fit_temperature.py as a module."""
    path = command_line.tools / 'fit_temperature.py'
    spec = importlib.util.spec_from_file_location('fit_temperature', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_checkpoint_gets_temperatures_of_people_that_training_never_saw(
    tool, command_line, toy_world, tmp_path, capsys
):
    torch.save(dict(state_dict=dict(weight=torch.ones(2)), meta=dict(epoch=3)), tmp_path / 'a.pth')
    strangers = [dict(participant_id=name, **answer(3.0)) for name in ('Q1', 'Q2') * 50]
    known = [dict(participant_id='P01', **answer(-9.0)) for _ in range(50)]
    with open(tmp_path / 'dump.pkl', 'wb') as file:
        pickle.dump(strangers + known, file)
    tool.main(
        [
            *(
                str(command_line.tools.parent / 'configs/toy/mimo_query.py'),
                str(tmp_path / 'a.pth'),
            ),
            *(str(tmp_path / 'dump.pkl'), '--out', str(tmp_path / 'out/b.pth')),
            *('--cfg-options', f'train_dataloader.dataset.data_root={toy_world}'),
        ]
    )
    shown = capsys.readouterr().out
    assert 'verb        100' in shown
    assert 'b.pth: ' in shown
    written = torch.load(tmp_path / 'out/b.pth', weights_only=True)
    assert written['meta'] == dict(epoch=3)
    torch.testing.assert_close(written['state_dict'], dict(weight=torch.ones(2)))
    assert set(written['temperatures']) == {'verb'}
    assert written['temperatures']['verb'] < 0.1  # always right: as sure as can be


def answer(logit):
    return dict(gt=dict(verb=0), pred=dict(verb=torch.tensor([logit, 0.0])))
