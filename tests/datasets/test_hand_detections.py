"""Boxes of hands out of four kinds of files."""

import cv2
import numpy as np
import pytest

from egomm.datasets.hand_detections import (
    csv_detections,
    doh_detections,
    epic100_detections,
    frame_number,
    mask_detections,
)

# Written by Google's library from the release's schema: frame 13404 of P01_09 with a right hand
# (0.25, 0.5, 0.5, 0.75) of score 0.875 and a left one (0, 0.125, 0.25, 1) of 0.75 as well as an
# object; frame 13405 with nothing.
EPIC100 = [
    bytes.fromhex(
        '0a065030315f303910dc681a260a140d0000803e150000003f1d0000003f250000403f150000603f180322050d'
        'cdcccc3d28011a160a0f150000003e1d0000803e250000803f150000403f220c0a050dcdcccc3d150000003f'
    ),
    bytes.fromhex('0a065030315f303910dd68'),
]
DOH = [10.0, 20, 30, 60, 0.9, 3, 0, 0, 0, 1]


def test_messages_of_the_epic_release_become_pixels():
    found = epic100_detections(EPIC100, (456, 256))
    assert found.frames.tolist() == [13404, 13404]
    assert found.boxes.tolist() == [[114, 128, 228, 192], [0, 32, 114, 256]]
    assert found.scores.tolist() == [0.875, 0.75]
    assert found.sides.tolist() == [1, 0]
    assert found.span == (13404, 13405)


def test_what_is_no_release_is_explained():
    with pytest.raises(ValueError, match='a list of messages, one a frame.*got dict'):
        epic100_detections({}, (456, 256))
    with pytest.raises(ValueError, match='got list'):
        epic100_detections([1], (456, 256))
    with pytest.raises(ValueError, match='message 1 is none of hands: a number is expected'):
        epic100_detections([EPIC100[0], b'\x08'], (456, 256))
    with pytest.raises(ValueError, match='message 0 is none of hands'):
        epic100_detections([b'\x18\x01'], (456, 256))  # a number in the place of a hand
    with pytest.raises(ValueError, match='message 0 is none of hands: could not convert'):
        epic100_detections([bytes.fromhex('1a0312016e')], (456, 256))  # a text as score
    with pytest.raises(ValueError, match='frames that a detector has seen.*got none'):
        epic100_detections([], (456, 256))


def test_rows_of_the_100doh_detector_are_taken_by_the_number_in_the_name():
    empty = [5.0, 5, 5, 9, *DOH[4:]]
    found = doh_detections({'a_7.jpg': np.array([DOH, empty]), 'a_9.jpg': None, 'a_8.jpg': []})
    assert found.frames.tolist() == [7]  # a box without area is left out
    assert found.boxes.tolist() == [[10, 20, 30, 60]]
    assert (found.scores.tolist(), found.sides.tolist()) == ([0.9], [1])
    assert found.span == (7, 9)


@pytest.mark.parametrize(
    'found, words',
    [
        ([DOH], 'rows of hands by the name of the image.*got list'),
        ({'7': [DOH[:5]]}, r'7: rows of 10 numbers.*got \(1, 5\)'),
        ({'7': [[*DOH[:9], 3]]}, 'end in the side, 0 or 1'),
        ({'left.jpg': [DOH]}, "number of the frame are expected; got 'left.jpg'"),
    ],
)
def test_other_rows_are_explained(found, words):
    with pytest.raises(ValueError, match=words):
        doh_detections(found)


def test_the_number_of_a_frame_is_the_last_one_of_its_name():
    assert frame_number('P01_09/frame_0000013404.jpg') == 13404


def test_masks_give_boxes_around_left_and_right(tmp_path):
    mask = np.zeros((20, 30), np.uint8)
    mask[5:8, 2:6], mask[10, 20], mask[0] = 1, 2, 4  # the last is an object
    mask[10:12, 8] = mask[19, 29] = 1  # a sixth and a twelfth of the hand: a piece and a speck
    cv2.imwrite(str(tmp_path / 'img_3.png'), mask)
    cv2.imwrite(str(tmp_path / 'img_5.png'), np.zeros_like(mask))
    found, size = mask_detections(sorted(tmp_path.iterdir()))
    assert size == (30, 20)
    assert found.boxes.tolist() == [[2, 5, 9, 12], [20, 10, 21, 11]]
    assert (found.frames.tolist(), found.sides.tolist()) == ([3, 3], [0, 1])
    assert found.span == (3, 5)
    cv2.imwrite(str(tmp_path / 'img_6.png'), mask[:, :9])
    with pytest.raises(
        ValueError, match=r'img_6.png: a mask.*channel is expected, 30 x 20 as the first; got an'
    ):
        mask_detections(sorted(tmp_path.iterdir()))
    (tmp_path / 'img_1.png').write_bytes(b'')
    with pytest.raises(ValueError, match='img_1.png: a mask of one channel.*got nothing'):
        mask_detections(sorted(tmp_path.iterdir()))


def test_csv_is_taken_apart_by_video(tmp_path):
    path = tmp_path / 'hands.csv'
    path.write_text(
        'frame,video,left,top,right,bottom,side,score\n'
        '4,a,1,2,3.5,4,left,0.5\n2,b,1,2,3,4,right,\n6,a,0,0,1,1,right,1\n'
    )
    found = csv_detections(path)
    assert list(found) == ['a', 'b']
    assert found['a'].boxes.tolist() == [[1, 2, 3.5, 4], [0, 0, 1, 1]]
    assert (found['a'].sides.tolist(), found['a'].span) == ([0, 1], (4, 6))
    assert found['b'].scores.tolist() == [1]


HEAD = 'video,frame,side,left,top,right,bottom\n'


@pytest.mark.parametrize(
    'text, words',
    [
        ('video,frame\n', 'hands.csv: the columns .*side, left, top, right, bottom missing'),
        (HEAD, 'hands.csv: the file has no rows'),
        (f'{HEAD}a,1,L,0,0,1,1\n', r"hands.csv, line 2: the name of a video.*'L'"),
        (f'{HEAD}a,1,left,0,0,1,1\na,1,left,0,x,1,1\n', 'line 3: .*four edges in pixels'),
        (f'{HEAD}a,1,left,0,0\n', 'line 2'),
        (f'{HEAD}../a,1,left,0,0,1,1\n', r"line 2: the name of a video.*'../a'"),
        (f'{HEAD},1,left,0,0,1,1\n', r'line 2: the name of a video'),
        (b'\xff\xfe\x00', 'hands.csv: a CSV in UTF-8 is expected.*Save it again'),
    ],
)
def test_a_broken_csv_is_explained(tmp_path, text, words):
    path = tmp_path / 'hands.csv'
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=words):
        csv_detections(path)


def test_a_missing_csv_is_named(tmp_path):
    with pytest.raises(ValueError, match='none.csv: no such CSV'):
        csv_detections(tmp_path / 'none.csv')
