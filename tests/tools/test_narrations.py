import json


def test_narrations_become_queries_without_those_held_out(command_line, feature_world, tmp_path):
    tool = (command_line.python, command_line.tools / 'prepare/narrations.py')
    folder = feature_world / 'annotations'
    out = tmp_path / 'new/nlq_narrations.json'
    clips = [folder / f'{kind}_{split}.json' for kind in ('nlq', 'moments') for split in ('train',)]
    said = command_line.call(
        *(*tool, folder / 'narration.json', '--clips', *clips, folder / 'nlq_val.json'),
        *('--held-out', folder / 'nlq_val.json', '--out', out),
    )
    assert 'held_out 2' in said
    assert json.loads(out.read_text()) == json.loads((folder / 'nlq_narrations.json').read_text())
