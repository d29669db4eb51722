"""Three splits of EGTEA Gaze+ with one command, on the toy kitchen."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG = str(ROOT / 'configs/toy/multitask_avnhg.py')
SCORES = {
    1: {'egtea/action_top1': 60.0, 'gaze/frames': 10, 'gaze/frames_unlabelled': 7, 'time': 0.1},
    2: {'egtea/action_top1': 63.0, 'gaze/frames': 12, 'gaze/frames_unlabelled': 0, 'time': 0.1},
    3: {'egtea/action_top1': 66.0, 'gaze/frames': 11, 'gaze/frames_unlabelled': 0, 'time': 0.1},
}


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('egtea_splits', ROOT / 'tools/egtea_splits.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Calls:
    """In place of the processes: what they would leave, and what they were called with."""

    def __init__(self):
        self.seen = []

    def __call__(self, command, split):
        name = Path(command[1]).name
        self.seen.append((name, split))
        folder = Path(command[command.index('--work-dir') + 1])
        if 'train' in name:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / 'epoch_7.pth').touch()
            (folder / 'last_checkpoint').write_text(str(folder / 'epoch_7.pth'))
        else:
            (folder / '1').mkdir(parents=True)
            (folder / '1' / '1.json').write_text(json.dumps(SCORES[split]))
            (folder / '1' / 'run_card.json').write_text('{}')


def test_every_split_is_trained_and_tested_and_the_mean_is_that_of_the_three(
    tool, tmp_path, capsys
):
    calls = Calls()
    tool.main([CONFIG, '--work-dir', str(tmp_path)], calls)
    assert calls.seen == [
        (f'{name}.py', split) for split in (1, 2, 3) for name in ('train', 'test')
    ]
    report = json.loads((tmp_path / 'splits.json').read_text())
    assert report['mean'] == {'egtea/action_top1': 63.0}
    counts = {'gaze/frames': 12, 'gaze/frames_unlabelled': 0}
    assert report['splits']['2'] == {'egtea/action_top1': 63.0, **counts}
    assert 'egtea/action_top1    60.000    63.000    66.000    63.000' in capsys.readouterr().out


def test_what_is_done_is_not_done_again(tool, tmp_path):
    tool.main([CONFIG, '--work-dir', str(tmp_path), '--splits', '3', '1'], Calls())
    calls = Calls()
    tool.main([CONFIG, '--work-dir', str(tmp_path)], calls)
    assert {split for _, split in calls.seen} == {2}
    assert json.loads((tmp_path / 'splits.json').read_text())['mean'] == {'egtea/action_top1': 63.0}


def test_a_folder_of_other_options_is_refused(tool, tmp_path):
    tool.main([CONFIG, '--work-dir', str(tmp_path), '--splits', '1'], Calls())
    options = ['--cfg-options', 'train_cfg.max_epochs=2']
    with pytest.raises(ValueError, match=r'options: \[\] there, .*max_epochs=2(.|\n)*--work-dir'):
        tool.main([CONFIG, '--work-dir', str(tmp_path), '--splits', '1', *options], Calls())
    (tmp_path / 'split1/scores.json').unlink()  # a training that was interrupted
    with pytest.raises(ValueError, match='began with other settings'):
        tool.main([CONFIG, '--work-dir', str(tmp_path), '--splits', '1', *options], Calls())


def test_a_folder_of_a_base_that_says_something_else_is_refused(tool, tmp_path):
    base, config = tmp_path / 'base.py', tmp_path / 'config.py'
    dataset = "dict(ann_file='test_split{{$EGTEA_SPLIT:1}}.txt')"
    base.write_text(f'test_dataloader = dict(dataset={dataset})\nlr = 1\n')
    config.write_text("_base_ = 'base.py'\n")
    words = [str(config), '--work-dir', str(tmp_path / 'run')]
    tool.main(words, Calls())
    calls = Calls()
    base.write_text('# the same with a note\n' + base.read_text())
    tool.main(words, calls)
    assert calls.seen == []
    base.write_text(base.read_text().replace('lr = 1', 'lr = 2'))
    with pytest.raises(ValueError, match=r'config_sha256: \w{64} there, \w{64} now'):
        tool.main(words, calls)
    assert calls.seen == []


def test_the_best_checkpoint_is_tested_where_the_run_kept_one(tool, tmp_path):
    with pytest.raises(ValueError, match='has no checkpoint after training'):
        tool.runs.choose_checkpoint(tmp_path)
    (tmp_path / 'last_checkpoint').write_text('/elsewhere/epoch_3.pth')
    assert tool.runs.choose_checkpoint(tmp_path) == tmp_path / 'epoch_3.pth'
    (tmp_path / 'best_egtea_action_top1_epoch_2.pth').touch()
    assert tool.runs.choose_checkpoint(tmp_path).name == 'best_egtea_action_top1_epoch_2.pth'


def test_a_config_without_splits_is_refused(tool, tmp_path):
    with pytest.raises(ValueError, match=r'tests on .* whatever EGTEA_SPLIT says'):
        tool.main([str(ROOT / 'configs/toy/mimo_query.py'), '--work-dir', str(tmp_path)], Calls())


def test_a_test_without_scores_says_so(tool, tmp_path):
    with pytest.raises(ValueError, match='has no scores of a test'):
        tool.runs.read_scores(tmp_path)


def test_a_failed_process_names_the_split_and_the_command(tool):
    with pytest.raises(ValueError, match=r'split 2: `false` failed, see above'):
        tool.run_tool(['false'], 2)


@pytest.mark.long
def test_toy_files_of_two_splits_give_their_scores(command_line, egtea_world, tmp_path):
    data = tmp_path / 'egtea'
    shutil.copytree(egtea_world / 'action_annotation', data / 'action_annotation')
    for name in ('cropped_clips', 'videos', 'gaze_data', 'hand_tracks'):
        (data / name).symlink_to(egtea_world / name)
    home = data / 'action_annotation'
    # The second split tests on what the first trains on.
    shutil.copy(home / 'test_split1.txt', home / 'train_split2.txt')
    shutil.copy(home / 'train_split1.txt', home / 'test_split2.txt')
    loaders = [f'{name}_dataloader' for name in ('train', 'val', 'test')]
    command = (
        command_line.python, command_line.tools / 'egtea_splits.py', 'configs/toy/multitask_a.py',
        '--splits', 1, 2, '--work-dir', tmp_path / 'run', '--cfg-options',
        *(f'{loader}.dataset.data_root={data}/' for loader in loaders),
        *(f'{loader}.num_workers=0' for loader in loaders),
        *(f'{loader}.persistent_workers=False' for loader in loaders),
        'train_cfg.max_epochs=1', 'train_cfg.val_interval=1',
    )  # fmt: skip
    said = command_line.call(*command)
    report = json.loads((tmp_path / 'run/splits.json').read_text())
    one, two = (report['splits'][split]['egtea/action_top1'] for split in '12')
    assert report['mean']['egtea/action_top1'] == pytest.approx((one + two) / 2)
    assert 'egtea/action_top1' in said
    assert 'Epoch(train)' not in command_line.call(*command)
