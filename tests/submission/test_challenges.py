from egomm.submission.challenges import EPIC100_RECOGNITION


def test_an_entry_says_format_server_state_and_day():
    text = EPIC100_RECOGNITION.describe()
    assert 'format 0.2' in text
    assert 'competitions/776, CLOSED (last checked 2026-11-25)' in text
    assert 'Codabench' in text
