"""tools/make_toy_moments.py as a user calls it: a small world, found again."""

import importlib.util
import json


def test_a_world_is_made_and_found_again(command_line, tmp_path, capsys):
    spec = importlib.util.spec_from_file_location(
        'make_toy_moments', command_line.tools / 'make_toy_moments.py'
    )
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    small = ['--train', '1', '--val', '1', '--minutes', '0.05', '0.1', '--lengths', '1', '2']
    arguments = [str(tmp_path / 'world'), *small, '--silent', '--processes', '1']
    tool.main(arguments)
    videos = sorted((tmp_path / 'world/videos').iterdir())
    made = [path.stat().st_mtime_ns for path in videos]
    assert len(made) == 3
    assert '3 videos' in capsys.readouterr().out
    tool.main(arguments)
    assert [path.stat().st_mtime_ns for path in videos] == made
    stamp = json.loads((tmp_path / 'world/toy_moments.json').read_text())
    assert stamp['spec']['minutes'] == [0.05, 0.1]
    assert not stamp['sound']
