from egomm.submission import challenges
from egomm.submission.challenges import (
    EGO4D_QUERIES,
    EPIC55_RECOGNITION,
    EPIC100_DETECTION,
    EPIC100_RECOGNITION,
)


def test_an_entry_says_format_server_state_and_day():
    text = EPIC100_RECOGNITION.describe()
    assert 'format 0.2' in text
    assert 'competitions/776, CLOSED (last checked 2026-11-25)' in text
    assert 'Codabench' in text
    text = EPIC100_DETECTION.describe()
    assert 'org/competitions/13830, unknown whether open (never checked)' in text
    text = EPIC55_RECOGNITION.describe()
    assert 'EPIC-KITCHENS-55 action recognition, submission format 0.1' in text
    assert 'CodaLab, CLOSED (last checked 2026-11-25)' in text
    assert 'unknown whether open (never checked)' in EGO4D_QUERIES.describe()


def test_a_day_stands_where_somebody_looked_and_nowhere_else():
    entries = [one for one in vars(challenges).values() if isinstance(one, challenges.Challenge)]
    assert len(entries) >= 4
    assert all((one.checked is None) == (one.is_open is None) for one in entries)
