"""The command line of the study; its runs are tested in tests/testing/test_study.py."""

import dataclasses
import runpy
from pathlib import Path

import pytest

from egomm.testing import mimo_study
from egomm.testing.spec import KitchenSpec

ROOT = Path(__file__).resolve().parents[2]


def test_too_few_seeds_and_unknown_papers_are_one_line(command_line):
    tool = (command_line.python, command_line.tools / 'study.py')
    said = command_line.call(*tool, 'mimo', '--seeds', 1, code=2)
    assert '--seeds wants at least 2, or there are no intervals; got 1' in said
    assert 'Traceback' not in said
    said = command_line.call(*tool, 'dino', code=2)
    assert "invalid choice: 'dino'" in said
    said = command_line.call(*tool, 'multitask', '--widths', 8, code=2)
    assert '--widths is of mimo; leave it out for multitask' in said
    said = command_line.call(*tool, 'all', '--worlds', 'moment-generated-flat-0', code=2)
    assert '--worlds is of mimo and of asl; leave it out for all' in said
    said = command_line.call(*tool, 'all', '--page', 'study.md', code=2)
    assert '--page is of one paper' in said


def test_all_writes_a_page_a_paper(tmp_path, monkeypatch):
    tool = runpy.run_path(str(ROOT / 'tools/study.py'), run_name='study')
    for paper in tool['STUDIES']:
        monkeypatch.setitem(tool['STUDIES'], paper, lambda args, paper=paper: f'about {paper}')
    tool['main'](['all', '--out', str(tmp_path)])
    pages = [tmp_path / folder / 'study.md' for folder in ('', 'multitask', 'asl')]
    assert [page.read_text() for page in pages] == ['about mimo', 'about multitask', 'about asl']


def test_an_unknown_world_is_one_line(command_line):
    tool = (command_line.python, command_line.tools / 'study.py')
    said = command_line.call(*tool, 'asl', '--worlds', 'moon', code=2)
    assert "There are no worlds ['moon']. Name some of ['moment-generated-centre-0.3'" in said
    assert 'Traceback' not in said


@pytest.mark.parametrize('what', ['worlds', 'rows'])
def test_an_unknown_name_of_mimo_is_refused_before_anything_is_trained(what, monkeypatch):
    tool = runpy.run_path(str(ROOT / 'tools/study.py'), run_name='study')
    monkeypatch.setattr(mimo_study, 'train_encoders', None)
    with pytest.raises(ValueError, match=rf"There are no {what} \['moon'\]"):
        tool['main'](['mimo', f'--{what}', 'moon'])


@pytest.mark.long
def test_the_command_makes_everything_from_nothing_and_again_from_what_is_there(
    tmp_path, monkeypatch
):
    """Two small worlds, encoders, tokens, tuning, rows with two seeds, and the page."""
    tool = runpy.run_path(str(ROOT / 'tools/study.py'), run_name='study')
    tiny = dataclasses.replace(
        KitchenSpec(), train_videos=4, validation_videos=2, test_videos=2, videos_per_participant=1
    )
    monkeypatch.setattr(
        mimo_study, 'pretraining_world', lambda: dataclasses.replace(tiny, seed=100)
    )
    monkeypatch.setattr(
        mimo_study,
        'study_world',
        lambda world: dataclasses.replace(tiny, **world._asdict()),
    )
    monkeypatch.setattr(mimo_study, 'LEARNING_RATES', (5e-3,))
    options = ['mimo', '--seeds', '2', '--worlds', 'conflict1_balance0', '--processes', '1']
    options += ['--rows', 'concat', 'query', 'query-1token']
    options += ['--data', str(tmp_path / 'data'), '--out', str(tmp_path / 'out')]
    tool['main'](options)
    page = (tmp_path / 'out/study.md').read_text(encoding='utf-8')
    for words in (
        '### Conflict 1, encoders of 32 channels',
        '### Conflict 1, encoders of 8 channels',
        '| query | 54.38 / 41.04 / 27.81 |',
        'A token a task beats one shared token: query - query-1token',
        'Cosine of the gradients of verb and noun loss',
    ):
        assert words in page
    results = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.json')}
    assert len(results) >= 2 * 3 * (1 + 2)  # widths, rows, tuning and seeds
    tool['main'](options)
    assert (tmp_path / 'out/study.md').read_text(encoding='utf-8') == page
    assert results == {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.json')}
