import json
import os

import numpy as np
import pytest
import torch

from egomm.datasets.token_writer import TokenWriter
from egomm.structures import EgoSample

SHAPES = {'rgb': (2, 1, 2, 2), 'audio': (3, 1, 1, 1)}


def writer(folder, *, clips=4, dtype='float32', **encoders):
    encoders = dict(dtype=dtype, shapes=SHAPES, **encoders)
    return TokenWriter(folder, encoders, dict(clips=clips, metainfo={}))


def clips(*numbers):
    """Tokens equal to the clip's number; odd clips have no sound."""
    tokens = {
        name: torch.stack([torch.full(shape, float(number)) for number in numbers])
        for name, shape in SHAPES.items()
    }
    present = dict(rgb=[True] * len(numbers), audio=[number % 2 == 0 for number in numbers])
    samples = [
        EgoSample(metainfo=dict(narration_id=f'clip_{number}'), gt=dict(verb=np.int64(number)))
        for number in numbers
    ]
    return tokens, present, samples


def write_all(folder, **settings):
    started = writer(folder, **settings)
    started.start()
    started.write(*clips(1, 2))
    started.write(*clips(3, 4))
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_arrays_are_plain_numpy_files_with_zeros_for_what_lacks(tmp_path):
    write_all(tmp_path / 'train')
    rgb, audio = (np.load(tmp_path / 'train' / f'{name}.npy', mmap_mode='r') for name in SHAPES)
    assert rgb.shape == (4, 2, 1, 2, 2)
    assert rgb[:, 0, 0, 0, 0].tolist() == [1, 2, 3, 4]
    assert audio[:, 0, 0, 0, 0].tolist() == [0, 2, 0, 4]
    lines = [json.loads(line) for line in (tmp_path / 'train/clips.jsonl').read_text().splitlines()]
    assert lines[2] == dict(
        metainfo=dict(narration_id='clip_3'), gt=dict(verb=3), present=dict(rgb=True, audio=False)
    )


@pytest.mark.parametrize(
    'damage',
    [
        lambda folder: os.truncate(folder / 'rgb.npy', 128 + 2 * 32 + 5),
        lambda folder: os.truncate(folder / 'audio.npy', 128 + 2 * 12),
        lambda folder: os.truncate(folder / 'audio.npy', 3),
        lambda folder: (folder / 'rgb.npy').unlink(),
        lambda folder: (folder / 'clips.jsonl').unlink(),
        lambda folder: os.truncate(
            folder / 'clips.jsonl', (folder / 'clips.jsonl').stat().st_size - 1
        ),
    ],
)
def test_whatever_was_cut_off_is_written_again(tmp_path, damage):
    whole = contents(write_all(tmp_path / 'tokens'))
    damage(tmp_path / 'tokens')
    again = writer(tmp_path / 'tokens')
    assert again.done < 4
    again.start()
    for number in range(again.done + 1, 5):
        again.write(*clips(number))
    assert contents(tmp_path / 'tokens') == whole


def test_what_is_left_to_write_is_known_before_anything_is_written(tmp_path):
    fresh = writer(tmp_path / 'tokens')
    assert (fresh.done, fresh.bytes_left) == (0, 4 * (8 + 3) * 4)
    assert not (tmp_path / 'tokens').exists()
    assert writer(write_all(tmp_path / 'tokens')).bytes_left == 0


def test_files_without_a_manifest_are_written_anew(tmp_path):
    write_all(tmp_path / 'train')
    (tmp_path / 'train/manifest.json').unlink()
    assert writer(tmp_path / 'train').done == 0


def test_tokens_of_other_encoders_are_not_continued(tmp_path):
    write_all(tmp_path / 'train', crop=dict(size=224))
    text = (
        'train holds tokens of another extraction: encoders.crop.size is 224 there, 64 here. '
        'Give another folder with --out'
    )
    with pytest.raises(ValueError, match=text):
        writer(tmp_path / 'train', crop=dict(size=64))
    with pytest.raises(ValueError, match=text):  # nor may the splits be of different encoders
        writer(tmp_path / 'val', crop=dict(size=64))
    assert writer(tmp_path / 'val', clips=7, crop=dict(size=224)).done == 0


def test_tokens_of_other_clips_are_not_continued(tmp_path):
    write_all(tmp_path / 'train')
    with pytest.raises(ValueError, match=r'data\.clips is 4 there, 5 here'):
        writer(tmp_path / 'train', clips=5)


def test_a_value_beyond_the_dtype_is_refused(tmp_path):
    half = writer(tmp_path / 'train', dtype='float16')
    half.start()
    tokens, present, samples = clips(2, 4)
    tokens['rgb'][1, 0, 0, 1, 0] = 65_520
    with pytest.raises(ValueError, match=r"rgb of \['clip_4'\] is not finite in float16"):
        half.write(tokens, present, samples)
    assert half.done == 0


def test_a_map_of_another_size_is_refused(tmp_path):
    started = writer(tmp_path / 'train')
    started.start()
    tokens, present, samples = clips(1)
    tokens['rgb'] = torch.zeros(1, 2, 1, 2, 3)
    with pytest.raises(ValueError, match=r'maps of \(2, 1, 2, 3\), the first clip had \(2, 1, 2'):
        started.write(tokens, present, samples)


def test_a_label_that_json_would_change_is_refused(tmp_path):
    started = writer(tmp_path / 'train')
    started.start()
    tokens, present, samples = clips(1)
    samples[0].gt = dict(gaze=torch.zeros(2))
    with pytest.raises(ValueError, match='clip_1: clips.jsonl keeps .* as JSON; got a Tensor'):
        started.write(tokens, present, samples)
