"""The page over all studies, read from tables of claims."""

from pathlib import Path

import pytest

from egomm.testing import study_overview
from egomm.testing.study_overview import read_findings, summary_table, verdicts_table

PAGE = """# A study

### Between worlds

| claim (first - second) | score | difference | 95 % interval | detectable | seeds | verdict |
|---|---|---|---|---|---|---|
| Conflict raises what a token a task gains: (a - b, 1) - (the same, 0) | action | -1.59 | \
-4.87 .. +1.70 | 4.40 | 4 | **undecided** |

### Conflict 0, encoders of 32 channels

| row | verb | action | seeds | learning rate |
|---|---|---|---|---|
| query | 79.7 ± 1.0 | 62.1 ± 1.2 | 5 | 0.005 |
| concat | 78.0 ± 0.4 | 59.8 ± 0.5 | 3 | 0.045 |

| claim (first - second) | score | paper | difference | 95 % interval | verb | verdict |
|---|---|---|---|---|---|---|
| Query fusion beats concatenation: query - concat | action | +3.34 | -2.00 | -3.00 .. -1.00 | \
-1.62 ± 1.21 | **refuted** |
| A token a task beats one shared token: query - query | action |  | +3.00 | +1.00 .. +5.00 | \
+1.00 ± 0.10 | **confirmed** |

| trained row | split | without |
|---|---|---|
| query | choices | 64.96 |
"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / 'study_mimo.md'
    path.write_text(PAGE, encoding='utf-8')
    return path


def test_a_page_is_read_line_by_line_in_its_order(page):
    findings = read_findings(page)
    assert [one.verdict for one in findings] == ['undecided', 'refuted', 'confirmed']
    assert [one.seeds for one in findings] == [4, 3, 5]  # a pair has the fewer ones
    second = findings[1]
    assert (second.difference, second.low, second.high) == (-2, -3, -1)
    assert second.world == 'Conflict 0, encoders of 32 channels'
    assert (second.page, second.score) == ('study_mimo', 'action')


def test_a_page_without_its_results_beside_it_stays(page, tmp_path, monkeypatch):
    monkeypatch.setattr(study_overview, 'PAGES', ('study_mimo',))
    monkeypatch.setattr(study_overview, 'FROM_RESULTS', {'study_mimo': lambda *_: 'empty'})
    monkeypatch.setattr(study_overview, 'draw', lambda *_: None)
    monkeypatch.setattr(study_overview, 'draw_along_conflict', lambda *_: None)
    study_overview.write_overview(tmp_path)
    assert page.read_text(encoding='utf-8') == PAGE


def test_every_verdict_is_shown_and_older_clips_are_marked(page):
    findings = read_findings(page)
    lines = verdicts_table(findings).splitlines()[2:]
    assert [line.split('**')[1] for line in lines] == ['undecided', 'refuted', 'confirmed']
    assert all('](study_mimo.md) (earlier clips) |' in line for line in lines)
    newer = [one._replace(page='study_mimo_levels') for one in findings]
    assert 'earlier' not in verdicts_table(newer)


def test_worlds_are_counted_by_claim_under_its_question(page):
    findings = read_findings(page)
    table = summary_table([*findings, findings[1]])
    first = '| Does query fusion beat the shared feature? | Query fusion beats concatenation |'
    assert f'{first}  |  | 2 |' in table
    assert '|  | A token a task beats one shared token | 1 |  |  |' in table
    assert (
        '| How does that change with conflict? | Conflict raises what a token a task gains |  | 1 |'
        in table
    )


def test_a_page_without_tables_says_what_is_wanted(tmp_path):
    path = tmp_path / 'study_asl.md'
    path.write_text('# Nothing\n\n| row | seeds |\n|---|---|\n| a | 5 |\n', encoding='utf-8')
    words = (
        r'study_asl.md has no table of claims: wanted lines under "\| claim \(first - second\) \|'
    )
    with pytest.raises(ValueError, match=words) as caught:
        read_findings(path)
    assert 'Write the page by tools/study.py first.' in str(caught.value)


def test_worlds_of_other_clips_have_a_panel_of_their_own(page, tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    drawn = []
    monkeypatch.setattr(Figure, 'savefig', lambda figure, *_, **__: drawn.append(figure))
    older = read_findings(page)[1:]
    newer = [one._replace(page='study_mimo_levels') for one in older[:1]]
    study_overview.draw([*older, *newer], 'Both', tmp_path / 'images/both.png')
    titles = [axes.get_title() for axes in drawn[0].axes]
    assert titles == [
        'MIMO by level: clips drawn without files',
        'MIMO, earlier runs: other clips, from files',
    ]
    assert [len(axes.get_yticks()) for axes in drawn[0].axes] == [1, 2]
    world = 'Conflict 1, encoders of 32 channels'
    two = [newer[0], newer[0]._replace(world=world, difference=4.0, low=3.0, high=5.0)]
    study_overview.draw_along_conflict([*two, *older], 'Along', tmp_path / 'along.png')
    (line,) = drawn[1].axes[0].containers
    assert list(line[0].get_ydata()) == [-2, 4]


def test_the_committed_pages_are_those_that_the_command_writes(tmp_path):
    """Pages that have results, from these, and the page over all from the detail pages."""
    docs = Path(__file__).resolve().parents[2] / 'docs'
    for name in study_overview.PAGES:
        (tmp_path / f'{name}.md').write_bytes((docs / f'{name}.md').read_bytes())
    for name in study_overview.FROM_RESULTS:
        (tmp_path / f'{name}.jsonl').write_bytes((docs / f'{name}.jsonl').read_bytes())
    (tmp_path / 'study.md').write_bytes((docs / 'study.md').read_bytes())  # for what is by hand
    page = study_overview.write_overview(tmp_path)
    for name in (*study_overview.FROM_RESULTS, 'study'):
        text = (docs / f'{name}.md').read_text('utf-8')
        assert (tmp_path / f'{name}.md').read_text('utf-8') == text, (
            f'docs/{name}.md is not what its results say: python tools/study.py overview'
        )
    findings = [one for name in study_overview.PAGES for one in read_findings(docs / f'{name}.md')]
    table = summary_table(findings)
    for claim in {one.text.partition(': ')[0] for one in findings}:
        assert table.count(f' | {claim} | ') == 1, f'{claim}: no question, or several'
    for picture in (tmp_path / 'images').iterdir():
        assert f'(images/{picture.name})' in page.read_text('utf-8')
        assert (docs / 'images' / picture.name).is_file()
