import json

import pytest
from PIL import Image


def test_a_run_leaves_its_card_and_two_are_compared(command_line, trained, tmp_path):
    [path] = trained.glob('*/run_card.json')
    card = json.loads(path.read_text())
    assert card['data']['train'] == dict(type='RandomClips', files={})
    assert card['protocols'] == dict(val=['EpicActionMetric'], test=['EpicActionMetric'])
    assert card['seed'] == 0
    assert card['licence'] == 'data: not known here'
    assert card['config']['train_cfg']['max_epochs'] == 2
    assert {'egomm', 'torch', 'python'} <= set(card['versions'])
    tool = command_line.tools / 'analysis' / 'compare_runs.py'
    output = command_line.call(command_line.python, tool, trained, path)
    assert output == 'The runs are of one data, protocol, seed, config and version.\n'
    card['config']['optim_wrapper']['optimizer']['lr'] = 0.25
    (tmp_path / 'other.json').write_text(json.dumps({**card, 'processes': 2}))
    output = command_line.call(
        command_line.python, tool, trained, tmp_path / 'other.json', code=1
    ).splitlines()
    assert output == [
        'first difference: processes: 1 | 2',
        'also: config.optim_wrapper.optimizer.lr: 0.5 | 0.25',
    ]
    output = command_line.call(command_line.python, tool, trained, tmp_path, code=2)
    assert 'has no run_card.json. Give the work directory of a run' in output


def test_curves_of_two_runs_and_the_names_of_what_was_logged(command_line, trained, tmp_path):
    tool = command_line.tools / 'analysis' / 'curves.py'
    known = command_line.call(command_line.python, tool, trained).splitlines()
    assert {'loss', 'lr', 'time', 'data_time'} <= set(known)
    picture = tmp_path / 'new' / 'c.png'
    command_line.call(
        command_line.python, tool, trained, trained, '--keys', 'loss', 'lr', '--out', picture
    )
    with Image.open(picture) as drawn:
        assert drawn.size[0] > 800
    output = command_line.call(
        command_line.python, tool, trained, '--keys', 'speed', '--out', picture, code=2
    )
    assert "['speed'] was not logged. There is: " in output


def test_the_preview_of_the_learning_rate_is_what_a_run_logged(command_line, trained, tmp_path):
    from mmengine.config import Config
    from mmengine.registry import DefaultScope

    from egomm.apis.schedule import learning_rates

    logged = [row['lr'] for row in command_line.loss_curve(trained)]
    config = Config.fromfile(command_line.config, import_custom_modules=False)
    with DefaultScope.overwrite_default_scope('egomm'):
        assert learning_rates(config, len(logged) // 2) == pytest.approx(logged)


def test_the_preview_is_drawn_without_data(command_line, tmp_path):
    said = command_line.call(
        command_line.python,
        command_line.tools / 'analysis' / 'learning_rate.py',
        command_line.tools.parent / 'configs/asl/mq_asl_egovlp.py',
        *('--steps-per-epoch', '100', '--out', tmp_path / 'new/lr.png'),
        folder=tmp_path,
    )
    assert '1500 steps, 1e-12 at first, 0.0001 at most' in said
    assert (tmp_path / 'new/lr.png').is_file()


def test_curves_go_to_tensorboard_by_one_line_of_config(command_line, tmp_path):
    pytest.importorskip('tensorboard')
    (tmp_path / 'config.py').write_text(
        f'_base_ = [{str(command_line.config)!r}]\ntrain_cfg = dict(max_epochs=1)\n'
        "visualizer = dict(vis_backends=[dict(type='LocalVisBackend'), "
        "dict(type='TensorboardVisBackend')])\n"
    )
    command_line.call(
        command_line.python,
        command_line.tools / 'train.py',
        tmp_path / 'config.py',
        '--no-validate',
        '--work-dir',
        tmp_path / 'run',
    )
    for name in ('events.out.tfevents*', 'scalars.json'):
        assert list((tmp_path / 'run').glob(f'*/vis_data/{name}')), name
