import json


def test_one_command_scores_every_subset_of_one_checkpoint(command_line, trained, tmp_path):
    output = command_line.call(
        command_line.python,
        command_line.tools / 'score_subsets.py',
        command_line.config,
        trained / 'epoch_2.pth',
        '--json',
        tmp_path / 'new' / 'subsets.json',
        folder=tmp_path,
    )
    rows = json.loads((tmp_path / 'new' / 'subsets.json').read_text())
    assert len(rows) == 7
    actions = [row['top1']['action'] for row in rows]
    assert actions == sorted(actions, reverse=True)
    # Of the 7 random clips, 0 and 5 have audio; without flow and rgb the other 5 have nothing.
    by_name = {'+'.join(row['modalities']): row for row in rows}
    assert (by_name['audio']['clips'], by_name['audio']['excluded']) == (2, 5)
    assert by_name['rgb+flow+audio']['excluded'] == 0
    lines = output.splitlines()
    assert lines[-1] == 'excl.: clips that have none of these modalities'
    assert [line.split()[0] for line in lines[-8:-1]] == ['+'.join(r['modalities']) for r in rows]
