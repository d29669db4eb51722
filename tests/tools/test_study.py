"""The command line of the study; its runs are tested in tests/testing/test_study.py."""


def test_too_few_seeds_and_unknown_papers_are_one_line(command_line):
    tool = (command_line.python, command_line.tools / 'study.py')
    said = command_line.call(*tool, 'mimo', '--seeds', 1, code=2)
    assert '--seeds wants at least 2, or there are no intervals; got 1' in said
    assert 'Traceback' not in said
    said = command_line.call(*tool, 'dino', code=2)
    assert "invalid choice: 'dino'" in said


def test_an_unknown_world_is_one_line(command_line):
    tool = (command_line.python, command_line.tools / 'study.py')
    said = command_line.call(*tool, 'asl', '--worlds', 'moon', code=2)
    assert "There are no worlds ['moon']. Name some of ['moment-generated-centre-0.3'" in said
    assert 'Traceback' not in said
