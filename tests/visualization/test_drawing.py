import numpy as np
import pytest

from egomm.visualization.drawing import (
    COLOURS,
    ClipPicture,
    bars,
    confusion,
    contact_sheet,
    curves,
    save,
)


def clip(**changes):
    values = dict(
        title='P01_01_3',
        frames=np.zeros((2, 8, 8, 3), np.uint8),
        truth=dict(verb='open'),
        predictions=dict(verb=[('close', 0.6), ('open', 0.3)]),
        shares=dict(verb=dict(rgb=0.5, flow=0.2)),
    )
    return ClipPicture(**{**values, **changes})


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_a_picture_of_no_kind_is_refused(tmp_path):
    figure = curves({'loss': {'a': [(0, 1.0)]}})
    with pytest.raises(ValueError, match=r'x.xyz: a picture ends in one of .*png'):
        save(figure, tmp_path / 'x.xyz')
    save(figure, tmp_path / 'new/x.png')
    assert (tmp_path / 'new/x.png').read_bytes().startswith(b'\x89PNG')


def test_curves_draws_each_line_where_it_was_told():
    figure = curves({'loss': {'train': [(1, 2.5), (2, 1.5)]}, 'top-1': {'verb': [(2, 40)]}})
    loss, accuracy = figure.axes
    assert loss.get_title() == 'loss'
    assert loss.lines[0].get_xydata().tolist() == [[1, 2.5], [2, 1.5]]
    assert accuracy.lines[0].get_label() == 'verb'


def test_four_panels_make_two_rows_and_negative_values_a_zero_line():
    panels = {name: {'line': [(1, value)]} for name, value in zip('abcd', (1, 2, 0, -1))}
    figure = curves(panels)
    assert [axes.get_subplotspec().rowspan.start for axes in figure.axes] == [0, 0, 1, 1]
    assert [len(axes.lines) for axes in figure.axes] == [1, 1, 1, 2]


def test_curves_names_the_empty_panel():
    with pytest.raises(ValueError, match=r"got none in \['top-1'\]"):
        curves({'loss': {'train': [(1, 2.5)]}, 'top-1': {'verb': []}})


def test_confusion_shows_shares_of_the_true_class():
    # 3 of 4 clips of `cut` are right; `stir` has none and stays blank.
    figure = confusion(np.array([[3, 1], [0, 0]]), ['cut', 'stir'], 'verb')
    image = figure.axes[0].images[0].get_array()
    assert image[0].tolist() == [0.75, 0.25]
    assert np.ma.getmaskarray(image)[1].all() or np.isnan(image[1]).all()
    assert texts(figure.axes[0]) == ['3', '1']
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        'cut (4)',
        'stir (0)',
    ]


def test_confusion_wants_a_name_for_every_class():
    with pytest.raises(ValueError, match=r'got \(3, 3\) and 2 names'):
        confusion(np.zeros((3, 3)), ['cut', 'stir'], 'verb')


def test_bars_have_the_heights_they_are_given():
    figure = bars(dict(verb=dict(rgb=-3.0, flow=-20.0), noun=dict(rgb=-40.0)), 'points', 'drop')
    first, second = figure.axes[0].containers[:2]
    assert [bar.get_height() for bar in first] == [-3.0, -40.0]
    assert second[0].get_height() == -20.0
    assert np.isnan(second[1].get_height())


def test_the_sheet_marks_the_right_answer_and_only_that():
    figure = contact_sheet([clip()])
    answers = next(axes for axes in figure.axes if len(axes.texts) == 3)
    assert texts(answers) == ['verb: open', '  - close 60 %', '  + open 30 %']
    assert [text.get_color() for text in answers.texts] == ['black', COLOURS[1], COLOURS[2]]


def test_the_sheet_stacks_attention_and_leaves_the_rest_blank():
    figure = contact_sheet([clip()])
    bars_ = [bar for axes in figure.axes for container in axes.containers for bar in container]
    places = [(bar.get_x(), bar.get_width()) for bar in bars_]
    np.testing.assert_allclose(places, [(0.0, 0.5), (0.5, 0.2)])


def test_the_sheet_is_written_as_a_picture(tmp_path):
    clips = [clip(), clip(frames=np.full((3, 8, 8, 3), 255, np.uint8), truth={}, shares={})]
    contact_sheet(clips).savefig(tmp_path / 'clips.png')
    assert (tmp_path / 'clips.png').read_bytes().startswith(b'\x89PNG')


def test_the_sheet_wants_a_clip():
    with pytest.raises(ValueError, match='at least one clip'):
        contact_sheet([])
