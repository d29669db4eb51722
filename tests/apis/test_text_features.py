import json
import sys

import numpy as np
import pytest
import torch

from egomm.apis.text_features import extract_text_features
from egomm.datasets.localization import LanguageQueries

pytest.importorskip('transformers', reason='transformers absent: pip install "egomm[text]"')
LETTERS = 'abcdefghijklmnopqrstuvwxyz?'


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    """Folder of a tiny CLIP model with random weights that knows single letters."""
    from transformers import CLIPConfig, CLIPModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = tmp_path_factory.mktemp('models') / 'tiny-clip'
    folder.mkdir()
    words = [*LETTERS, *(f'{letter}</w>' for letter in LETTERS), '<|startoftext|>', '<|endoftext|>']
    (folder / 'vocab.json').write_text(json.dumps({word: n for n, word in enumerate(words)}))
    (folder / 'merges.txt').write_text('#version: 0.2\n')
    about = dict(tokenizer_class='CLIPTokenizer', model_max_length=16)
    (folder / 'tokenizer_config.json').write_text(json.dumps(about))
    small = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2)
    text = dict(
        small,
        vocab_size=len(words),
        max_position_embeddings=16,
        bos_token_id=len(words) - 2,
        eos_token_id=len(words) - 1,
    )
    torch.manual_seed(0)
    vision = dict(small, image_size=8, patch_size=4)
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision)).save_pretrained(folder)
    return folder


def files(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_every_query_gets_the_states_of_its_own_tokens(clip, feature_world, tmp_path):
    from transformers import AutoTokenizer, CLIPTextModel

    nlq = feature_world / 'annotations/nlq_train.json'
    total, written = extract_text_features([nlq], clip, tmp_path / 'out')
    data = LanguageQueries(
        'annotations/nlq_train.json',
        dict(ego=dict(path='features/ego')),
        dict(path=str(tmp_path / 'out'), max_words=99),
        str(feature_world),
    )
    assert total == written == len(data)
    tokenizer = AutoTokenizer.from_pretrained(clip, local_files_only=True)
    encoder = CLIPTextModel.from_pretrained(clip, local_files_only=True).eval()
    for index in (0, len(data) - 1):
        sample = data[index]
        tokens = tokenizer(
            sample['data_samples'].metainfo['query'], truncation=True, return_tensors='pt'
        )
        with torch.no_grad():
            wanted = encoder(**tokens).last_hidden_state[0].T
        assert wanted.shape == (8, 16)  # the question is longer
        torch.testing.assert_close(sample['inputs']['words'], wanted)


def test_a_short_sentence_keeps_its_length_beside_a_long_one(clip, tmp_path):
    lines = [
        dict(query=text, query_id=f'a_{n}', duration=9.0, video_id='c')
        for n, text in enumerate(('go', 'go on and on'))
    ]
    path = tmp_path / 'nlq.jsonl'
    path.write_text('\n'.join(map(json.dumps, lines)))
    extract_text_features([path], clip, tmp_path / 'out')
    short, long = (np.load(tmp_path / f'out/a_{n}.npy') for n in range(2))
    assert short.shape == (4, 8)
    assert len(long) == 11
    np.testing.assert_allclose(short[:3], long[:3], atol=1e-6)  # a token sees those before it


def test_a_second_run_goes_on_and_another_model_is_refused(clip, feature_world, tmp_path):
    nlq = [feature_world / f'annotations/nlq_{split}.json' for split in ('train', 'val')]
    out = tmp_path / 'out'
    total, _ = extract_text_features(nlq, clip, out)
    before = files(out)
    gone = next(name for name in before if name.endswith('.npy'))
    (out / gone).unlink()
    assert extract_text_features(nlq, clip, out) == (total, 1)
    after = files(out)
    assert {name for name in before if before[name] == after[name]} >= before.keys() - {
        *(gone, 'manifest.json')
    }
    (out / 'manifest.json').write_text(json.dumps(dict(dim=8, model='other')))
    with pytest.raises(ValueError, match="has vectors of {'dim': 8, 'model': 'other'}, not of"):
        extract_text_features(nlq, clip, out)


def test_what_is_no_clip_model_is_refused(clip, feature_world, tmp_path, monkeypatch):
    from safetensors.torch import load_file, save_file

    nlq = [feature_world / 'annotations/nlq_val.json']
    with pytest.raises(ValueError, match=r'model\.safetensors: no such file. Give the folder of a'):
        extract_text_features(nlq, tmp_path, tmp_path / 'out')
    half = tmp_path / 'half'
    half.mkdir()
    for path in clip.iterdir():
        (half / path.name).write_bytes(path.read_bytes())
    weights = load_file(clip / 'model.safetensors')
    save_file(
        {name: value for name, value in weights.items() if 'vision' in name},
        half / 'model.safetensors',
        dict(format='pt'),
    )
    with pytest.raises(ValueError, match=r'lacks \d+ weights of the text model, such as'):
        extract_text_features(nlq, half, tmp_path / 'out')
    (half / 'config.json').write_text('{')
    with pytest.raises(ValueError, match='half cannot be read as a CLIP model'):
        extract_text_features(nlq, half, tmp_path / 'out')
    monkeypatch.setitem(sys.modules, 'transformers', None)
    with pytest.raises(ValueError, match=r'pip install "egomm\[text\]"'):
        extract_text_features(nlq, clip, tmp_path / 'out')
