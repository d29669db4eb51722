import numpy as np
import pytest

from egomm.visualization.points import SIDE, frame_row, movie, point_row, saliency_row, sheet

FRAMES = np.full((4, 28, 56, 3), 90, np.uint8)
MAPS = np.zeros((2, 7, 7))
MAPS[:, 3, 1] = 1  # the second column: pixels 8 to 16 of 56
PREDICTED = np.array([[-4 / 7, 0], [-4 / 7, 0]])
TRUTH = np.array([[-4 / 7, 0.5, 1], [0, 0, 0]])
TRUE_COLOUR, PREDICTED_COLOUR = (0, 158, 115), (213, 94, 0)


def places(image, colour):
    """Mean normalised x and y of the pixels of a colour; None without one."""
    rows, columns = np.nonzero((image == np.array(colour)).all(axis=-1))
    if not len(rows):
        return None
    height, width = image.shape[:2]
    return np.array([(2 * columns.mean() + 1) / width - 1, (2 * rows.mean() + 1) / height - 1])


def test_marks_lie_at_their_points_and_the_note_counts_pixels_of_the_frame():
    row = point_row('gaze', FRAMES, MAPS, PREDICTED, TRUTH)
    assert [len(row.images), row.images[0].shape] == [4, (SIDE, 2 * SIDE, 3)]
    assert list(row.notes) == ['7.0 px', '7.0 px', 'not visible', 'not visible']  # 0.5 * 28 / 2
    np.testing.assert_allclose(places(row.images[0], PREDICTED_COLOUR), PREDICTED[0], atol=0.02)
    np.testing.assert_allclose(places(row.images[1], TRUE_COLOUR), TRUTH[0, :2], atol=0.02)
    assert places(row.images[2], TRUE_COLOUR) is None


def test_a_step_stays_on_the_first_of_its_frames():
    frames = FRAMES.copy()
    frames[2:] = 200
    row = point_row('gaze', frames, np.zeros((2, 7, 7)), np.ones((2, 2)))
    assert [int(image[9, 9, 0]) for image in row.images] == [90, 90, 200, 200]
    frames[1] = 30
    row = point_row('gaze', frames[:3], np.zeros((2, 7, 7)), np.ones((2, 2)))
    assert [int(image[9, 9, 0]) for image in row.images] == [90, 90, 200]


def test_the_map_colours_what_it_favours_and_leaves_the_rest():
    image = point_row('gaze', FRAMES, MAPS, np.ones((2, 2))).images[0]
    assert (image[10:50, 300:400] == 90).all()
    red, green, blue = image[SIDE // 2, 2 * SIDE * 3 // 14].astype(int)
    assert red > max(green, blue) + 40


def test_a_tube_is_laid_half_and_half_over_the_frames():
    tube = np.zeros((4, 28, 56))
    tube[:, :, 28:] = 1
    row = saliency_row('verb', FRAMES, tube)
    # The ends of the colour map are (0, 0, 0.5) and (0.5, 0, 0).
    np.testing.assert_allclose(row.images[0][100, 50], [45, 45, 109], atol=2)
    np.testing.assert_allclose(row.images[0][100, 400], [109, 45, 45], atol=2)


def test_a_sheet_has_rows_below_and_a_film_beside_one_another():
    rows = [frame_row(FRAMES), point_row('gaze', FRAMES, MAPS, PREDICTED, TRUTH)]
    page = sheet(rows, columns=3)
    assert page.shape == (4 * 22 + 2 * (SIDE + 4), 3 * (2 * SIDE + 4), 3)  # four lines of text
    images = movie(rows)
    assert len(images) == 4
    assert images[0].shape == (22 + SIDE + 4, 2 * (2 * SIDE + 4), 3)
    assert (images[0][22:, :] != 255).any()


def test_what_does_not_belong_together_is_named():
    with pytest.raises(ValueError, match='got 4 frames, 2 maps, 1 predicted and no true points'):
        point_row('gaze', FRAMES, MAPS, PREDICTED[:1])
    with pytest.raises(ValueError, match='got 1 frames, 2 maps, 2 predicted and 2 true'):
        point_row('gaze', FRAMES[:1], MAPS, PREDICTED, TRUTH)
    with pytest.raises(ValueError, match=r'got \(2, 28, 56\) and \(4, 28, 56\). Make it with sal'):
        saliency_row('verb', FRAMES, np.zeros((2, 28, 56)))
