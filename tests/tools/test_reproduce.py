"""tools/reproduce.py: the page, its rows, and a toy row from the command to the page."""

import importlib.util
import json
import os
from pathlib import Path

import pytest
from mmengine.config import Config

from egomm.apis import paper_tables

ROOT = Path(__file__).resolve().parents[2]
TABLES = """
tables:
  - paper: Toy
    source: "nobody"
    data: "random clips"
    weights: "none"
    scores: {verb: epic100/all_verb_accuracy_at_1, action: epic100/all_action_accuracy_at_1}
    scale: [1, 10]
    rows:
      tiny: {config: tests/tools/tiny/config.py, table: none, paper: [50.0, null]}
      again: {config: tests/tools/tiny/config.py, table: none, paper: [51.0, null], start: tiny}
      searched: {config: tests/tools/tiny/config.py, table: none, paper: [52.0, null], start: tiny,
                 search: true}
      splits: {config: tests/tools/tiny/config.py, table: mean, paper: [53.0, null], splits: true}
      by-hand: {config: tests/tools/tiny/config.py, table: none, paper: [1, 2], note: do it}
"""


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('reproduce', ROOT / 'tools/reproduce.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def given(tmp_path, monkeypatch):
    """Arguments that leave the checkout alone."""
    monkeypatch.syspath_prepend(str(ROOT / 'tests/tools/tiny'))
    (tmp_path / 'tables.yml').write_text(TABLES)
    results = tmp_path / 'docs/paper_results.json'
    return ['--tables', str(tmp_path / 'tables.yml'), '--results', str(results)]


class Calls(list):
    """Stands for the tools: keeps their commands and leaves what they would leave."""

    def __init__(self):
        super().__init__()
        self.environments = []

    def __call__(self, command):
        self.append([Path(word).name if word.endswith('.py') else word for word in command])
        if '--json' in command:  # the search for weights
            tops = dict(held_out=dict(verb=30.0, action=2.0), in_sample=dict(verb=40.0, action=4.0))
            Path(command[command.index('--json') + 1]).write_text(json.dumps(dict(top1=tops)))
            return
        self.environments.append(os.environ['EGTEA_SPLIT'])
        folder = Path(command[command.index('--work-dir') + 1]) / '1'
        if 'egtea_splits.py' in self[-1]:
            names = [f'epic100/all_{task}_accuracy_at_1' for task in ('verb', 'action')]
            splits = {split: dict.fromkeys(names, 10.0 * split) for split in (1, 2, 3)}
            for split in splits:
                (folder.parent / f'split{split}/2026').mkdir(parents=True, exist_ok=True)
                (folder.parent / f'split{split}/best_x.pth').write_text(f'weights {split}')
                card = folder.parent / f'split{split}/2026/run_card.json'
                card.write_text(json.dumps(dict(config=dict(split=split))))
            content = dict(splits=splits, mean=dict.fromkeys(names, 20.0))
            (folder.parent / 'splits.json').write_text(json.dumps(content))
            return
        folder.mkdir(parents=True, exist_ok=True)
        (folder.parent / 'epoch_2.pth').write_text('weights')
        (folder.parent / 'last_checkpoint').write_text('epoch_2.pth')
        scores = {f'epic100/all_{task}_accuracy_at_1': 40.0 for task in ('verb', 'action')}
        (folder / '1.json').write_text(json.dumps({**scores, 'time': 1.0}))
        (folder / 'run_card.json').write_text(json.dumps(dict(config=dict(lr=1))))


def test_the_committed_page_is_that_of_the_tables_and_results(tool):
    tables = paper_tables.read_tables(ROOT / 'configs/paper_tables.yml')
    results = paper_tables.read_results(ROOT / 'docs/paper_results.json')
    page = (ROOT / 'docs/paper_tables.md').read_text()
    assert page == paper_tables.page(tables, results), 'python tools/reproduce.py --page'


def test_a_row_is_a_config_whose_header_has_the_same_numbers():
    names = set()
    for table in paper_tables.read_tables(ROOT / 'configs/paper_tables.yml'):
        for row in table['rows'].values():
            assert row.name not in names
            names.add(row.name)
            assert len(row.paper) == len(row.scores) == len(row.scale)
            assert set(row.pretrained) <= Config.fromfile(ROOT / row.config).model.backbones.keys()
            if row.search:
                continue  # its numbers stand in the config with the weights put in
            head = (ROOT / row.config).read_text().split('"""')[1]
            for value in row.paper:
                printed = (
                    value is None or f'{value:.2f}' in head or f'{value / 100:.3f}'[1:] in head
                )
                assert printed, f'{row.name}: {value} is not in the head of {row.config}'


def test_a_row_is_trained_tested_and_kept_with_its_card(tool, given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calls = Calls()
    options = ['--seed', '3', '--no-check', '--cfg-options', 'train_cfg.max_epochs=1']
    tool.main(['tiny', *given, *options], calls)
    assert [command[1:3] for command in calls] == [
        ['train.py', 'config.py'],
        ['test.py', 'config.py'],
    ]
    assert '--resume' in calls[0]
    assert calls[0][-2:] == ['randomness.seed=3', 'train_cfg.max_epochs=1']
    [result] = json.loads((tmp_path / 'docs/paper_results.json').read_text())
    assert result['ours'] == [40.0, 400.0]
    card = result['card']
    assert (card['seed'], card['checkpoint']) == (3, 'epoch_2.pth')
    assert card['training'] == dict(config=dict(lr=1))
    assert len(card['checkpoint_sha256']) == len(card['config_sha256']) == 64
    assert card['versions'].keys() >= {'python', 'torch', 'egomm'}
    tool.main(['again', *given, *options], calls)
    assert calls[2][calls[2].index('--work-dir') + 1] == 'work_dirs/rows/tiny_3'  # the first row's
    tool.main(['tiny', *given, *options], calls)
    page = (tmp_path / 'docs/paper_tables.md').read_text()
    assert '| none | 50.00 / - | 40.00 / 400.00 (2) |' in page
    assert '`by-hand` is not one command: do it.' in page


def test_a_run_of_other_settings_is_not_taken_for_this_one(tool, given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tool.main(['tiny', *given, '--no-check'], Calls())
    calls = Calls()
    words = (
        r"run in work_dirs/rows/tiny_0 began .*\n  options: \['randomness.seed=0'\] there, "
        r"\['randomness.seed=0', 'model.x=1'\] now\n"
    )
    with pytest.raises(ValueError, match=words):
        tool.main(['tiny', *given, '--no-check', '--cfg-options', 'model.x=1'], calls)
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine/last_checkpoint').write_text('epoch_2.pth')
    with pytest.raises(ValueError, match='mine has a run that this tool did not begin'):
        tool.main(['tiny', *given, '--no-check', '--work-dir', 'mine'], calls)
    assert calls == []
    tool.main(['tiny', *given, '--no-check'], calls)
    assert len(calls) == 2


def test_a_run_of_another_base_is_not_taken_for_this_one(tool, given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tables = tmp_path / 'tables.yml'
    tables.write_text(tables.read_text().replace('tests/tools/tiny/', ''))
    base = tmp_path / 'base.py'
    base.write_text("model = dict(width=8)\nwork_dir = 'here'\n")
    (tmp_path / 'config.py').write_text("_base_ = 'base.py'\n")
    tool.main(['tiny', *given, '--no-check'], Calls())
    base.write_text("# the same\nmodel = dict(width=8)\nwork_dir = 'elsewhere'\n")
    tool.main(['tiny', *given, '--no-check'], Calls())
    one, other = json.loads((tmp_path / 'docs/paper_results.json').read_text())
    assert one['card']['config_sha256'] == other['card']['config_sha256']
    base.write_text('model = dict(width=16)\n')
    calls = Calls()
    for row in ('tiny', 'again'):  # the second is tested on the checkpoint of the first
        with pytest.raises(ValueError, match=r'settings:\n  config_sha256: \w{64} there, \w{64} n'):
            tool.main([row, *given, '--no-check'], calls)
    assert calls == []


def test_the_mean_over_splits_is_a_row(tool, given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('EGTEA_SPLIT', '2')
    calls = Calls()
    tool.main(['splits', *given, '--no-check', '--processes', '2'], calls)
    [command] = calls
    assert command[1:3] == ['egtea_splits.py', 'config.py']
    assert command[3:] == [
        *('--work-dir', 'work_dirs/rows/splits_0', '--processes', '2'),
        *('--cfg-options', 'randomness.seed=0'),
    ]
    [result] = json.loads((tmp_path / 'docs/paper_results.json').read_text())
    assert result['ours'] == [20.0, 200.0]
    splits = result['card']['splits']
    assert [one['training']['config']['split'] for one in splits.values()] == [1, 2, 3]
    assert len({one['checkpoint_sha256'] for one in splits.values()}) == 3
    assert splits['3']['scores']['epic100/all_verb_accuracy_at_1'] == 30.0
    page = (tmp_path / 'docs/paper_tables.md').read_text()
    assert 'by `tools/egtea_splits.py` | mean | 53.00 / - | 20.00 / 200.00 |' in page
    tool.main(['tiny', *given, '--no-check'], calls)
    assert calls.environments == ['1'] * 3  # split 1 is what the tables say
    assert os.environ['EGTEA_SPLIT'] == '2'


def test_the_data_of_every_split_are_looked_through(tool, given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = []
    monkeypatch.setattr(
        tool, 'look_through', lambda *_: [seen.append(os.environ['EGTEA_SPLIT'])] and []
    )
    tool.main(['splits', *given], Calls())
    assert seen == ['1', '2', '3']


def test_weights_are_scored_on_participants_that_they_were_not_chosen_on(
    tool, given, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    tool.main(['searched', *given, '--no-check'], Calls())
    [result] = json.loads((tmp_path / 'docs/paper_results.json').read_text())
    assert result['ours'] == [30.0, 20.0]  # the test with the weights gave 40
    assert result['scores']['epic100/all_verb_accuracy_at_1'] == 40.0
    assert result['search']['top1']['in_sample'] == dict(verb=40.0, action=4.0)
    page = (tmp_path / 'docs/paper_tables.md').read_text()
    assert 'from participants that are not scored | none | 52.00 / - | 30.00 / 20.00 |' in page


def test_what_cannot_be_run_is_refused(tool, given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="no row 'tony'. --list shows all: tiny, again"):
        tool.main(['tony', *given], Calls())
    with pytest.raises(ValueError, match='by-hand is not one command: do it'):
        tool.main(['by-hand', *given], Calls())
    with pytest.raises(ValueError, match='tiny starts from no weights'):
        tool.main(['tiny', *given, '--weights', 'x.pth'], Calls())


def test_a_score_that_the_paper_has_and_we_have_not_is_an_error():
    row = paper_tables.Row('a', 'c', 't', [1.0], dict(verb='x/verb'), [1], [])
    with pytest.raises(ValueError, match=r"a wants the scores \['x/verb'\]; the test gave \['x/no"):
        row.ours({'x/noun': 1.0})


def test_missing_data_stops_a_row_before_training(tool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calls = Calls()
    results = ['--results', str(tmp_path / 'docs/paper_results.json')]
    words = (
        r'data of .*epic100_swin-t_sum.py would stop a run:\n'
        r'  settings or annotations that cannot be used \(1\), such as data/epic100/annotations/'
        r'EPIC_100_train.csv: no such annotation file'
    )
    with pytest.raises(ValueError, match=words):
        tool.main(['mimo-sum', *results], calls)
    assert calls == []


def test_a_page_gets_its_folder_and_says_where_it_is(tool, given, tmp_path, capsys):
    tool.main(['--page', *given])
    assert f'{tmp_path / "docs/paper_tables.md"}: the page' in capsys.readouterr().out


def test_every_row_of_the_papers_is_a_row_of_the_page():
    tables = paper_tables.read_tables(ROOT / 'configs/paper_tables.yml')
    rows = {Path(row.config).stem for table in tables for row in table['rows'].values()}
    of_epic55 = {f'epic55_mfnet_{tasks}' for tasks in ('v', 'vh', 'vnh', 'a', 'avh', 'avnh')}
    baselines = {path.stem for path in (ROOT / 'configs/asl').glob('*_actionformer_*.py')}
    assert of_epic55 | baselines <= rows


@pytest.mark.long
def test_a_toy_row_runs_for_real(tool, given, tmp_path, monkeypatch, command_line):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('PYTHONPATH', f'{ROOT}:{ROOT / "tests/tools/tiny"}')
    tool.main(['tiny', *given])
    [result] = json.loads((tmp_path / 'docs/paper_results.json').read_text())
    assert 0 <= result['ours'][0] <= 100
    assert [data['records'] for data in result['card']['data']] == [11, 7]
