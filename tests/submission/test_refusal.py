import pytest

from egomm.submission.challenges import EGO4D_MOMENTS
from egomm.submission.refusal import refuse_existing, refuse_faults


def test_all_faults_are_said_at_once_with_what_to_do():
    with pytest.raises(ValueError, match='x.json is no valid submission to Ego4D') as caught:
        refuse_faults('x.json is', EGO4D_MOMENTS, ['first', 'second'], 'Write it anew.')
    assert str(caught.value).endswith('2 kinds of fault:\n  - first\n  - second\nWrite it anew.')
    refuse_faults('x.json is', EGO4D_MOMENTS, [], 'Write it anew.')


def test_an_existing_file_is_overwritten_by_force_alone(tmp_path):
    refuse_existing(tmp_path / 'x.json', force=False)
    (tmp_path / 'x.json').touch()
    refuse_existing(tmp_path / 'x.json', force=True)
    with pytest.raises(ValueError, match='x.json exists. Choose another name, or overwrite it'):
        refuse_existing(tmp_path / 'x.json', force=False)
