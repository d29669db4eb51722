import json
import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from egomm.datasets import CachedTokens, SampleIndex
from egomm.datasets.token_writer import TokenWriter
from egomm.structures import EgoSample


@pytest.fixture
def folder(tmp_path):
    """Three clips; the second has no sound, the third no noun."""
    shapes = dict(rgb=(2, 3, 1, 1), audio=(2, 1, 1, 1))
    writer = TokenWriter(
        tmp_path / 'train',
        dict(dtype='float16', shapes=shapes),
        dict(clips=3, metainfo=dict(num_classes=dict(verb=3))),
    )
    writer.start()
    gt = [dict(verb=0, noun=1), dict(verb=1, noun=2), dict(verb=2)]
    writer.write(
        {name: torch.arange(3.0).view(3, 1, 1, 1, 1).expand(3, *shapes[name]) for name in shapes},
        dict(rgb=[True] * 3, audio=[True, False, True]),
        [EgoSample(metainfo=dict(narration_id=f'c{i}', times=[0.1]), gt=gt[i]) for i in range(3)],
    )
    return tmp_path / 'train'


def test_a_clip_comes_as_the_pipeline_would_pack_it(folder):
    dataset = CachedTokens(str(folder))
    assert len(dataset) == 3
    assert dataset.metainfo == dict(num_classes=dict(verb=3))
    clip = dataset[SampleIndex(epoch=4, index=1)]
    assert clip['inputs']['rgb'].tolist() == [[[[1.0]]] * 3] * 2
    assert clip['inputs']['rgb'].dtype == torch.float16
    assert clip['inputs']['audio'].count_nonzero() == 0
    assert clip['present'] == dict(rgb=True, audio=False)
    sample = clip['data_samples']
    assert sample.metainfo == dict(narration_id='c1', times=[0.1])
    assert sample.gt == dict(verb=1, noun=2)
    assert dataset[2]['data_samples'].gt == dict(verb=2)
    with pytest.raises(IndexError):
        dataset[3]


def test_padding_has_no_labels(folder):
    sample = CachedTokens(str(folder))[SampleIndex(0, 1, padding=True)]['data_samples']
    assert sample.gt == {}
    assert sample.narration_id == 'c1'


def test_what_is_returned_may_be_changed(folder):
    dataset = CachedTokens(str(folder))
    dataset[1]['inputs']['rgb'].zero_()
    assert dataset[1]['inputs']['rgb'].all()


def test_modalities_can_be_left_out(folder):
    clip = CachedTokens(str(folder), modalities=['audio'])[0]
    assert clip['inputs'].keys() == clip['present'].keys() == {'audio'}


def test_a_part_of_the_clips_can_be_kept(folder, tmp_path):
    (tmp_path / 'list.txt').write_text('c2\nc0\n')
    dataset = CachedTokens(str(folder), keep=str(tmp_path / 'list.txt'))
    assert [dataset[i]['data_samples'].narration_id for i in range(len(dataset))] == ['c0', 'c2']
    assert dataset[1]['inputs']['rgb'].unique().tolist() == [2.0]
    (tmp_path / 'list.txt').write_text('c9\n')
    with pytest.raises(ValueError, match=r"not in the annotation file, such as \['c9'\]"):
        CachedTokens(str(folder), keep=str(tmp_path / 'list.txt'))


def test_workers_read_the_same(folder):
    dataset = CachedTokens(str(folder))
    loader = DataLoader(dataset, batch_size=2, num_workers=2, collate_fn=pseudo_collate)
    batches = list(loader)
    assert [len(batch['data_samples']) for batch in batches] == [2, 1]
    clips = [clip for batch in batches for clip in batch['inputs']['rgb']]
    assert torch.equal(torch.stack(clips)[:, 0, 0, 0, 0], torch.arange(3.0).half())


def test_a_pickle_holds_no_tokens(folder):
    dataset = CachedTokens(str(folder))
    assert b'memmap' not in pickle.dumps(dataset)
    again = pickle.loads(pickle.dumps(dataset))
    torch.testing.assert_close(again[2]['inputs'], dataset[2]['inputs'])


def test_a_folder_without_tokens_is_refused(tmp_path):
    with pytest.raises(ValueError, match='absent holds no tokens: it has no manifest.json. Give'):
        CachedTokens(str(tmp_path / 'absent'))


def test_a_modality_that_was_not_extracted_is_named(folder):
    with pytest.raises(ValueError, match=r"holds tokens of \['rgb', 'audio'\]; \['flow'\] is none"):
        CachedTokens(str(folder), modalities=('rgb', 'flow'))


def test_an_interrupted_extraction_is_refused(folder):
    os.truncate(folder / 'clips.jsonl', (folder / 'clips.jsonl').stat().st_size - 1)
    with pytest.raises(ValueError, match='holds 2 of 3 clips: the extraction was interrupted'):
        CachedTokens(str(folder))


def test_a_truncated_array_is_refused(folder):
    os.truncate(folder / 'rgb.npy', (folder / 'rgb.npy').stat().st_size - 1)
    with pytest.raises(ValueError, match=r'rgb\.npy is missing or cut short \(mmap length'):
        CachedTokens(str(folder))
    (folder / 'rgb.npy').unlink()
    with pytest.raises(ValueError, match=r'rgb\.npy is missing or cut short \(.*No such file'):
        CachedTokens(str(folder))


def test_an_array_that_the_manifest_does_not_describe_is_refused(folder):
    np.save(folder / 'audio.npy', np.zeros((3, 2, 1, 1, 1), np.float32))
    with pytest.raises(ValueError, match=r'1\) float32, but manifest.json says .* float16: they'):
        CachedTokens(str(folder))


def test_a_manifest_of_another_format_is_refused(folder):
    path = folder / 'manifest.json'
    path.write_text(json.dumps(dict(json.loads(path.read_text()), format=9)))
    with pytest.raises(ValueError, match=r'manifest\.json has format 9, this egomm reads 1'):
        CachedTokens(str(folder))
    path.write_text('[]')
    with pytest.raises(ValueError, match=r'manifest\.json is no manifest of tokens \(TypeError'):
        CachedTokens(str(folder))
