"""The page in a real browser: it loads, plays, seeks on click, and shows the numbers."""

import base64
import json
import re

import numpy as np
import pytest

from egomm.apis.report import run_card, write_report
from egomm.datasets.footage import open_footage
from tests.browser import ABSENT, PROGRAM, Browser

NOTES = ['no flow: masked']
TRUTH = [
    dict(start=0.5, stop=1.5, name='wash cup'),
    dict(start=2.0, stop=3.5, name='cut onion </script> <!-- "x"'),
]
QUESTION = 'Where did I put the cup?'
METRICS = {'nlq/R@1 IoU=0.5': 0.913, 'mq/average mAP': 0.882, 'nlq/queries': 103}


def results(name):
    windows = [
        dict(
            start=start / 2,
            stop=start / 2 + 1,
            tasks={
                task: [dict(label=0, name=f'{task} {start % 3}', score=0.3 + 0.1 * start)]
                for task in ('verb', 'noun')
            },
        )
        for start in range(7)
    ]
    moments = [
        dict(start=2.1, stop=3.4, label=1, name='cut onion', score=0.9),
        dict(start=0.4, stop=1.2, label=0, name='wash cup', score=0.7),
    ]
    answers = [dict(start=3.0, stop=3.75, score=0.8), dict(start=1.0, stop=1.5, score=0.2)]
    return [
        dict(source=name, duration=4.0, windows=windows, notes=NOTES),
        dict(source=name, duration=4.0, moments=moments, notes=NOTES),
        dict(source=name, duration=4.0, query=QUESTION, answers=answers, notes=[]),
    ]


@pytest.fixture(scope='module')
def video(make_video, tmp_path_factory):
    return make_video(tmp_path_factory.mktemp('report') / 'my day.mp4', size=(96, 128))


@pytest.fixture(scope='module')
def report(video):
    return write_report(
        video.parent / 'report.html',
        video,
        results(str(video)),
        TRUTH,
        {QUESTION: [dict(start=2.9, stop=3.8)]},
        METRICS,
        {'config': 'nlq.py', 'seed': 0},
    )


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    if PROGRAM is None:
        pytest.skip(ABSENT)
    started = Browser(tmp_path_factory.mktemp('profile'))
    yield started
    started.close()


def test_the_page_loads_plays_and_seeks_on_click(browser, report):
    browser.open(report)
    assert browser.complaints() == []
    assert browser.run('document.title') == 'my day - egomm report'
    browser.wait('document.getElementById("video").readyState >= 2')
    assert browser.run('video.duration') == pytest.approx(4.0, abs=0.1)
    browser.run('video.play()')
    browser.wait('video.currentTime > 0.2')
    browser.run('video.pause()')
    browser.run('document.querySelector(".answer").click()')
    browser.wait('Math.abs(video.currentTime - 3.0) < 0.05 && !video.seeking')
    assert browser.run('document.getElementById("clock").textContent') == '00:03.0 of 00:04.0'
    heads = browser.run('[...document.querySelectorAll(".playhead")].map(x => x.style.left)')
    assert set(heads) == {'75%'}
    browser.run('document.querySelector(".lane.segments .piece").click()')
    browser.wait('Math.abs(video.currentTime - 0.4) < 0.05')
    assert browser.complaints() == []


def test_the_page_shows_what_was_found_and_what_the_evaluator_wrote(browser, report):
    browser.open(report)
    rows = browser.run(
        '[...document.querySelectorAll("#metrics tr")].map(row => [...row.cells].map('
        'cell => cell.textContent))'
    )
    assert rows == [[name, str(value)] for name, value in METRICS.items()]
    lanes = browser.run(
        '[...document.querySelectorAll("#timeline .lane > span")].map(x => x.textContent)'
    )
    assert lanes == ['truth', 'verb', 'noun', 'moments']
    names = browser.run(
        '[...document.querySelectorAll("#timeline .truth .piece")].map(x => x.textContent)'
    )
    assert names == [row['name'] for row in TRUTH]
    answers = browser.run('[...document.querySelectorAll(".answer")].map(x => x.textContent)')
    assert answers == [
        '00:03.0 to 00:03.8 (0.80), IoU 0.83',  # 0.75 of 0.9 seconds
        '00:01.0 to 00:01.5 (0.20), IoU 0.00',
        'truth 00:02.9 to 00:03.8',
    ]
    piece = 'document.querySelector("#timeline .truth .piece").style'
    assert browser.run(f'[{piece}.left, {piece}.width]') == ['12.5%', '25%']
    assert browser.run('document.querySelectorAll("li").length') == 1


def test_the_keyboard_reaches_and_seeks(browser, report):
    browser.open(report)
    browser.wait('document.getElementById("video").readyState >= 2')
    browser.run('document.querySelector("#timeline .piece").focus()')
    browser.press('Enter')
    browser.wait('Math.abs(video.currentTime - 0.5) < 0.05')
    browser.press('Tab')
    assert 'cut onion' in browser.run('document.activeElement.textContent')
    browser.press('ArrowRight')
    browser.wait('Math.abs(video.currentTime - 1.5) < 0.05')
    browser.press('ArrowLeft')
    browser.wait('Math.abs(video.currentTime - 0.5) < 0.05')


def test_moments_that_overlap_lie_in_rows(browser, video, tmp_path):
    moments = [
        dict(start=start, stop=stop, label=0, name=name, score=0.5)
        for start, stop, name in ((0, 2, 'a'), (1, 3, 'b'), (2, 4, 'c'))
    ]
    result = dict(source=str(video), moments=moments, notes=[])
    browser.open(write_report(tmp_path / 'rows.html', video, [result]))
    tops = browser.run('[...document.querySelectorAll(".piece")].map(x => x.offsetTop)')
    assert tops[0] == tops[2] != tops[1]
    assert browser.run('document.querySelector(".track").offsetHeight') >= 56


@pytest.mark.parametrize('width, dark', [(1280, False), (1280, True), (390, False), (390, True)])
def test_the_page_fits_a_laptop_and_a_phone(browser, report, width, dark, tmp_path):
    browser.open(report, width=width, dark=dark)
    browser.wait('document.getElementById("video").readyState >= 2')
    assert browser.run('document.documentElement.scrollWidth') <= width
    ink, paper = (
        [int(part) for part in re.findall(r'\d+', browser.run(f'{style}'))[:3]]
        for style in (
            'getComputedStyle(document.body).color',
            'getComputedStyle(document.body).backgroundColor',
        )
    )
    assert abs(sum(ink) - sum(paper)) > 500
    assert (sum(paper) < 200) == dark
    browser.screenshot(tmp_path / 'page.png')
    assert (tmp_path / 'page.png').stat().st_size > 5000


def content_of(path):
    text = path.read_text(encoding='utf-8')
    return json.loads(re.search(r'type="application/json">(.*?)</script>', text, re.DOTALL)[1])


def test_the_data_of_the_page_is_what_was_given(report):
    content = content_of(report)
    assert content['metrics'] == METRICS
    assert content['lanes'][0] == dict(name='truth', kind='truth', items=TRUTH)
    verb = content['lanes'][1]
    assert (verb['name'], verb['kind']) == ('verb', 'bars')
    edges = [(item['start'], item['stop']) for item in verb['items']]
    assert edges == [(0, 0.75), (0.75, 1.25), (1.25, 1.75), (1.75, 2.25)] + [
        *[(2.25, 2.75), (2.75, 3.25), (3.25, 4.0)]
    ]
    assert [item['start'] for item in content['lanes'][3]['items']] == [0.4, 2.1]
    assert content['notes'] == NOTES
    assert content['video'].startswith('data:video/mp4;base64,')


def test_of_many_windows_the_best_of_each_group_is_shown(video, tmp_path, monkeypatch):
    monkeypatch.setattr('egomm.apis.report.MAX_BARS', 3)
    path = write_report(tmp_path / 'bars.html', video, results(str(video))[:1])
    bars = content_of(path)['lanes'][0]['items']
    assert [(bar['start'], bar['stop']) for bar in bars] == [(0, 1.75), (1.75, 3.25), (3.25, 4)]
    assert [bar['score'] for bar in bars] == pytest.approx([0.5, 0.8, 0.9])
    assert [bar['name'] for bar in bars] == ['verb 2', 'verb 2', 'verb 0']


def test_a_large_video_is_linked_beside_the_page(video, monkeypatch):
    monkeypatch.setattr('egomm.apis.report.LARGEST_BYTES', 10)
    (video.parent / 'pages').mkdir()
    path = write_report(video.parent / 'pages/linked.html', video, results(str(video)))
    assert content_of(path)['video'] == '../my%20day.mp4'


def test_frames_get_a_small_copy_that_plays(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (20, 721, 965, 3), np.uint8)
    path = write_report(tmp_path / 'array.html', frames, [], fps=10.0)
    content = content_of(path)
    (tmp_path / 'copy.mp4').write_bytes(base64.b64decode(content['video'].partition(',')[2]))
    copy = open_footage(tmp_path / 'copy.mp4')
    assert copy.size == (360, 482)
    assert copy.duration == pytest.approx(2.0, abs=0.1)


def test_results_of_another_video_are_refused(video, tmp_path):
    with pytest.raises(ValueError, match=r"to show my day, but results are of \['other.mp4'\]"):
        write_report(tmp_path / 'x.html', video, results('other.mp4'))


def test_the_run_card_names_config_weights_and_versions(recognizer):
    card = run_card(*recognizer)
    assert card['config'] == 'mimo_query.py'
    assert len(card['checkpoint sha256']) == 64
    assert card['licence'] == 'none: generated data'
    assert card['protocol'] == 'EpicActionMetric'
    assert {'egomm', 'torch', 'mmengine'} < set(card)
    prefixed = run_card(*recognizer, prefix='recognizer ')
    assert prefixed['recognizer checkpoint sha256'] == card['checkpoint sha256']
    assert prefixed['torch'] == card['torch']
