import math

import numpy as np
import pytest

from egomm.visualization.modalities import (
    ClassShares,
    ClipConfidence,
    class_shares,
    clip_confidence,
    confidence_panels,
    share_heatmaps,
)

MODALITIES = ('rgb', 'audio')


def sample(verb, shares, audio=True):
    """A clip whose two heads pay the mean ``shares`` to the two modalities."""
    attention = np.array([[np.add(shares, 0.1)], [np.subtract(shares, 0.1)]])  # (H, T, M)
    return dict(
        narration_id='P01_01_3',
        gt=dict(verb=verb),
        pred=dict(attention=attention),
        present=dict(rgb=True, audio=audio),
    )


def test_shares_are_means_over_heads_and_the_clips_that_have_the_modality():
    samples = [sample(2, [0.5, 0.3]), sample(2, [0.7, 0.0], audio=False), sample(0, [0.2, 0.6])]
    table = class_shares(samples, 'verb', 0, MODALITIES, ['cut', 'stir', 'wash'])
    assert (table.names, table.clips) == (['wash', 'cut'], [2, 1])
    np.testing.assert_allclose(table.shares, [[0.6, 0.3], [0.2, 0.6]])


def test_the_commonest_classes_stay_and_what_nobody_has_is_blank():
    samples = [sample(1, [0.5, 0.0], audio=False)] * 2 + [sample(0, [0.2, 0.6])]
    table = class_shares(samples, 'verb', 0, MODALITIES, ['cut', 'stir'], most=1)
    assert table.names == ['stir']
    np.testing.assert_allclose(table.shares, [[0.5, np.nan]])


def test_confidence_is_the_softmax_at_the_true_class():
    logits = np.array([[math.log(3), 5.0], [0.0, 5.0]])  # (C, M): rgb 3 to 1, audio 1 to 1
    clip = dict(sample(0, [0.5, 0.5]), pred=dict(unimodal_verb=logits))
    names = dict(verb=['cut', 'stir'])
    known = clip_confidence(clip, MODALITIES, names)
    assert known.truth == dict(verb='cut')
    assert known.chances['verb'] == pytest.approx(dict(rgb=0.75, audio=0.5))
    clip['present'] = dict(rgb=True, audio=False)
    assert math.isnan(clip_confidence(clip, MODALITIES, names).chances['verb']['audio'])
    figure = confidence_panels([known, clip_confidence(clip, MODALITIES, names)])
    first, second = figure.axes
    assert [bar.get_height() for bars in first.containers for bar in bars] == [0.75, 0.5]
    assert [text.get_text() for text in second.texts] == ['no audio']
    assert first.get_title() == 'P01_01_3'
    assert first.get_xticklabels()[0].get_text() == 'verb:\ncut'


def test_the_map_writes_what_it_shows():
    table = ClassShares(['cut', 'stir'], [4, 1], np.array([[0.2, 0.6], [0.5, np.nan]]))
    figure = share_heatmaps(dict(verb=table, noun=table), MODALITIES)
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ['0.20', '0.60', '0.50']
    assert [label.get_text() for label in axes.get_yticklabels()] == ['cut (4)', 'stir (1)']
    assert [label.get_text() for label in axes.get_xticklabels()] == list(MODALITIES)


def test_the_rest_of_the_last_row_is_blank():
    clip = ClipConfidence('P01_01_3', dict(verb='cut'), dict(verb=dict(rgb=0.5, audio=0.1)))
    figure = confidence_panels([clip] * 3, columns=2)
    assert [axes.axison for axes in figure.axes] == [True, True, True, False]
    assert figure.axes[0].get_ylim()[1] < 0.6


def test_panels_want_a_clip():
    with pytest.raises(ValueError, match='at least one clip'):
        confidence_panels([])
