"""The text of the page: nothing from elsewhere, nothing that ends its data, no odd numbers."""

import pytest

from egomm.visualization.report import Lane, page


def test_the_page_loads_nothing_from_elsewhere():
    text = page('a', 'a.mp4', 'a.mp4', 1.0)
    assert 'http:' not in text
    assert 'https:' not in text
    assert "default-src 'none'" in text


def test_names_cannot_end_the_data():
    text = page('</script><script>alert(1)</script>', 'a.mp4', 'a.mp4', 1.0)
    assert text.count('</script>') == 2  # the data's and the program's own
    assert '<script>alert' not in text


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(ValueError, match='a video of some duration; got 0 s'):
        page('a', 'a.mp4', 'a.mp4', 0)
    with pytest.raises(ValueError, match="one of .* got 'dots' for 'x'"):
        page('a', 'a.mp4', 'a.mp4', 1.0, [Lane('x', 'dots', ())])
    with pytest.raises(ValueError, match='a: a report holds finite numbers only'):
        page('a', 'a.mp4', 'a.mp4', 1.0, metrics=dict(loss=float('nan')))
