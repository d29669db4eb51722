"""Bars, overlays, shares, tables and matrices of the page, in a real browser."""

import re
from itertools import combinations

import numpy as np
import pytest

from egomm.apis.report import write_report
from egomm.visualization.report import TEMPLATE, Matrix, Table
from tests.browser import ABSENT, PROGRAM, Browser

MATRIX = Matrix('verbs taken for others', ['wash', 'cut'], [[3, 1], [0, 4]])
TABLE = Table('moments by class', ('class', 'moments', 'AP %'), [('wash_cup', 7, 41.25)], 'a note')


def stretch(start, name, score, gaze):
    """A window of two seconds on a frame of 128 x 96, with gaze and hands of two steps."""
    heat = np.zeros((2, 1, 4, 4), np.uint8)
    heat[:, :, 1, 2] = 255
    return dict(
        start=start,
        stop=start + 2.0,
        tasks=dict(
            verb=[dict(label=0, name=name, score=score)],
            gaze=dict(points=[[gaze], [gaze]], heatmaps=heat, box=[16.0, 0.0, 112.0, 96.0]),
            hands=dict(points=[[[32.0, 48.0], [96.0, 48.0]]] * 2),
        ),
        attention=dict(verb=dict(rgb=0.75, audio=0.25)),
    )


@pytest.fixture(scope='module')
def report(make_video, tmp_path_factory):
    video = make_video(tmp_path_factory.mktemp('parts') / 'day.mp4', size=(96, 128))
    windows = [
        stretch(0.0, 'take the very small spoon', 0.05, [64.0, 48.0]),
        stretch(1.0, 'take the very small spoon', 0.6, [64.0, 48.0]),
        stretch(2.0, 'cut', 1.0, [16.0, 24.0]),
    ]
    result = dict(source=str(video), size=(96, 128), windows=windows, notes=[])
    tables = dict(matrices=[MATRIX], tables=[TABLE])
    return write_report(video.parent / 'parts.html', video, [result], **tables)


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    if PROGRAM is None:
        pytest.skip(ABSENT)
    started = Browser(tmp_path_factory.mktemp('profile'))
    yield started
    started.close()


@pytest.fixture
def page(browser, report):
    browser.open(report)
    browser.wait('document.getElementById("video").readyState >= 2')
    return browser


def test_the_name_of_a_low_bar_can_be_read(page):
    names = page.run('[...document.querySelectorAll(".bars .piece span")].map(x => x.textContent)')
    assert names == ['take the very small spoon', 'cut']  # neighbours of one class share a name
    edges = page.run(
        '[...document.querySelectorAll(".bars .piece")].map(x => [x.getBoundingClientRect().top, '
        'x.querySelector("span").getBoundingClientRect().top, '
        'x.querySelector("span").getBoundingClientRect().bottom, '
        '...[...x.querySelectorAll("i")].map(bar => bar.getBoundingClientRect().top)])'
    )
    for top, name_top, name_bottom, *bars in edges:
        assert top == name_top
        assert name_bottom - name_top >= 17
        assert min(bars) >= name_bottom
    assert page.run('[...document.querySelectorAll(".bars i")].map(x => x.offsetHeight)') == [
        *(2, 23, 38)
    ]


def test_what_is_seen_now_is_told_in_words(page):
    page.run('seek(3.2)')
    assert page.run('document.getElementById("now").textContent') == 'verb: cut (1.00)'
    page.run('seek(0)')
    told = 'verb: take the very small spoon (0.05)'
    assert page.run('document.getElementById("now").textContent') == told
    page.wait('!video.seeking')


def test_points_lie_on_the_picture_and_can_be_hidden(page):
    lit = (
        '(() => {{ const c = document.querySelector("#stage canvas");'
        'const v = c.getBoundingClientRect();'
        'const s = Math.min(v.width / video.videoWidth, v.height / video.videoHeight);'
        'const x = (v.width - 128 * s) / 2 + {x} * s, y = (v.height - 96 * s) / 2 + {y} * s;'
        'return c.getContext("2d").getImageData(x, y, 1, 1).data[3]; }})()'
    )
    gaze, left_hand, nowhere = (lit.format(x=x, y=y) for x, y in ((64, 48), (32, 48), (100, 90)))
    assert page.run(gaze) > 200
    assert page.run(left_hand) > 200
    assert page.run(nowhere) == 0
    labels = page.run('[...document.querySelectorAll(".overlays label")].map(x => x.textContent)')
    assert labels == ['gaze points', 'gaze heat map', 'hands points']
    page.run('document.querySelector(".overlays input").click()')
    assert page.run(gaze) == 0
    page.run('document.querySelectorAll(".overlays input")[1].click()')
    # Cell (1, 2) of four over the box from 16 to 112: its middle is at 16 + 96 * 2.5 / 4, 36.
    assert page.run(lit.format(x=76, y=36)) > 100
    page.run('document.querySelectorAll(".overlays input")[1].click()')
    page.run('document.querySelector(".overlays input").click(); seek(3.2)')
    page.wait('!video.seeking')
    assert page.run(lit.format(x=16, y=24)) > 200
    assert page.run(gaze) == 0


def test_attention_tables_and_matrices_are_shown(page):
    strips = page.run('[...document.querySelectorAll(".share span")].map(x => x.textContent)')
    assert strips == ['rgb 75 %', 'audio 25 %']
    cells = page.run(
        '[...document.querySelectorAll(".matrix tbody tr")].map(row => [...row.cells].map('
        'cell => cell.textContent))'
    )
    assert cells == [['wash', '3', '1'], ['cut', '', '4']]
    hint = 'document.querySelectorAll(".matrix td")[1].title'
    assert page.run(hint) == 'wash taken for cut: 1 of 4'
    assert page.run('document.querySelectorAll("details[open]").length') == 0
    page.run('document.querySelectorAll("summary")[1].focus()')
    page.press('Enter')
    assert page.run('document.querySelectorAll("details")[1].open')
    row = '[...document.querySelectorAll("details")[1].querySelectorAll("tbody tr *")]'
    assert page.run(f'{row}.map(x => x.textContent)') == ['wash_cup', '7', '41.25']


@pytest.mark.parametrize('width, dark', [(1280, True), (390, False)])
def test_all_parts_fit(browser, report, width, dark, tmp_path):
    browser.open(report, width=width, dark=dark)
    browser.run('document.querySelectorAll("details").forEach(x => { x.open = true; })')
    assert browser.run('document.documentElement.scrollWidth') <= width
    assert browser.complaints() == []


def test_colours_are_told_apart_by_colour_blind_people_and_their_names_can_be_read():
    text = TEMPLATE.read_text(encoding='utf-8')
    colours = re.findall(r'#[0-9a-f]{6}', re.search(r'const palette = \[(.*?)\]', text)[1])
    rgb = np.array([[int(c[k : k + 2], 16) / 255 for k in (1, 3, 5)] for c in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    # The page writes in #111 on what is lighter than 0.18, else in white.
    approximate = (rgb**2.2) @ [0.2126, 0.7152, 0.0722]
    ink = np.where(approximate > 0.18, 0.0056, 1.0)
    contrast = (np.maximum(luminance, ink) + 0.05) / (np.minimum(luminance, ink) + 0.05)
    assert contrast.min() >= 4.5
    # Dichromats as Vienot, Brettel and Mollon (1999) see: protan, deutan.
    for red, green, blue in ((0.11238, 0.88762, 0.00401), (0.29275, 0.70725, -0.02234)):
        seen = linear.copy()
        seen[:, 0] = seen[:, 1] = linear[:, 0] * red + linear[:, 1] * green
        seen[:, 2] = linear[:, 2] + blue * (linear[:, 0] - linear[:, 1])
        lab = to_lab(seen.clip(0, 1))
        apart = [np.linalg.norm(a - b) for a, b in combinations(lab, 2)]
        assert min(apart) > 10  # 2.3 is what can just be noticed


def to_lab(linear):
    """CIELAB under D65 of linear sRGB."""
    xyz = linear @ np.array(
        [[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]]
    )
    f = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1
    )
