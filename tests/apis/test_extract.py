"""Training on cached tokens is training with frozen encoders."""

import json
import os
import re
import shutil
import signal
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper

from egomm.apis import extract
from egomm.datasets import EpochSampler
from egomm.datasets.token_writer import TokenWriter
from egomm.registry import DATASETS, MODELS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def world(toy_world, tmp_path_factory):
    """A toy kitchen of which one training video has no sound and another no flow."""
    root = tmp_path_factory.mktemp('incomplete') / 'world'
    shutil.copytree(toy_world, root)
    lines = (root / 'annotations/EPIC_100_train.csv').read_text().splitlines()[1:]
    first, second = sorted({line.split(',')[2] for line in lines})
    (root / first[:3] / 'audio' / f'{first}.wav').unlink()
    shutil.rmtree(root / second[:3] / 'flow_frames' / second)
    return root


@pytest.fixture
def config(world):
    """The toy query config with frozen encoders that have drop path; its heads have dropout."""
    config = Config.fromfile(ROOT / 'configs/toy/mimo_query.py')
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        loader.num_workers, loader.persistent_workers = 0, False
        loader.dataset.data_root = str(world)
        loader.dataset.sources.audio = config.sources.audio[0]
    config.val_dataloader.batch_size = 3
    for backbone in config.model.backbones.values():
        backbone.frozen = True
        backbone.model.drop_path_rate = 0.5
    return config


def write_checkpoint(config, path):
    """Weights of a new model."""
    torch.manual_seed(5)
    torch.save({'state_dict': MODELS.build(config.model).state_dict()}, path)
    return path


@pytest.fixture
def checkpoint(config, tmp_path):
    return write_checkpoint(config, tmp_path / 'epoch_1.pth')


def train(config, checkpoint, dataset):
    """Two epochs; every logged value of each step, and the weights of neck and heads."""
    model = MODELS.build(config.model)
    model.load_state_dict(torch.load(checkpoint)['state_dict'], strict=not is_twin(config))
    # SGD: Adam makes steps of full length out of the rounding of a gradient that is zero.
    settings = dict(config.optim_wrapper, optimizer=dict(type='SGD', lr=0.3, momentum=0.9))
    optim_wrapper = build_optim_wrapper(model, settings)
    sampler = EpochSampler(dataset, seed=3)
    steps = []
    for epoch in range(2):
        model.train()
        sampler.set_epoch(epoch)
        order = list(sampler)
        for start in range(0, len(order), 6):
            torch.manual_seed(100 * epoch + start)  # of the heads' dropout
            batch = pseudo_collate([dataset[index] for index in order[start : start + 6]])
            logged = model.train_step(batch, optim_wrapper)
            steps.append({name: value.item() for name, value in logged.items()})
    weights = {
        name: value
        for name, value in model.state_dict().items()
        if not name.startswith('backbones.')
    }
    return steps, weights


def is_twin(config):
    return config.train_dataloader.dataset.type == 'CachedTokens'


def twin_of(folder):
    """The cached twin of the toy query config."""
    twin = Config.fromfile(ROOT / 'configs/toy/mimo_query_tokens.py')
    for split, loader in (('train', twin.train_dataloader), ('val', twin.val_dataloader)):
        loader.dataset.folder = str(folder / split)
    return twin


def test_training_on_tokens_is_training_with_frozen_encoders(config, checkpoint, tmp_path):
    extract.extract_tokens(config, checkpoint, tmp_path / 'tokens')
    twin = twin_of(tmp_path / 'tokens')
    cached = DATASETS.build(twin.train_dataloader.dataset)
    clips = DATASETS.build(extract.evaluation_dataset(config, 'train'))
    lacking = dict.fromkeys(twin.model.backbones, 0)
    for there, here in zip(clips, cached, strict=True):
        assert here['present'] == there['present']
        assert here['data_samples'].metainfo == there['data_samples'].metainfo
        assert here['data_samples'].gt == there['data_samples'].gt
        for name, real in here['present'].items():
            lacking[name] += not real
            assert real == bool(here['inputs'][name].any())
    assert lacking == {'rgb': 0, 'flow': 8, 'audio': 8}

    expected_steps, expected = train(config, checkpoint, clips)
    steps, weights = train(twin, checkpoint, cached)
    assert len(steps) == 6
    for there, here in zip(expected_steps, steps, strict=True):
        assert here == pytest.approx(there, rel=1e-5, abs=1e-5)
    torch.testing.assert_close(weights, expected, rtol=1e-5, atol=1e-5)
    before = torch.load(checkpoint)['state_dict']
    moved = [(weights[name] - before[name]).abs().max().item() for name in weights]
    assert max(moved) > 0.01  # it was trained


def test_training_clips_pass_the_evaluation_pipeline(config):
    steps = extract.evaluation_dataset(config, 'train').pipeline
    assert steps == config.val_dataloader.dataset.pipeline
    assert steps != config.train_dataloader.dataset.pipeline


def test_float16_rounds_tokens_by_half_a_thousandth(config, checkpoint, tmp_path):
    answers = {}
    for dtype in ('float32', 'float16'):
        extract.extract_tokens(config, checkpoint, tmp_path / dtype, ['val'], dtype)
        twin = twin_of(tmp_path / dtype)
        dataset = DATASETS.build(twin.val_dataloader.dataset)
        model = MODELS.build(twin.model).eval()
        model.load_state_dict(torch.load(checkpoint)['state_dict'], strict=False)
        batch = pseudo_collate(list(dataset))
        with torch.no_grad():
            predicted = model.val_step(batch)
        scores = torch.stack([sample.pred['noun'] for sample in predicted])
        answers[dtype] = torch.stack(batch['inputs']['rgb']).float(), scores
    (exact, exact_scores), (rounded, rounded_scores) = answers['float32'], answers['float16']
    error = (rounded - exact).abs()
    assert error.max() > 0
    assert bool((error <= exact.abs() * 2**-11 + 2**-25).all())
    assert (exact_scores - rounded_scores).abs().max() < 1e-3 * exact_scores.std()


def test_an_interrupted_extraction_goes_on_with_the_clips_that_lack(
    config, checkpoint, tmp_path, monkeypatch
):
    encoded = []
    encode, write = extract._encode, TokenWriter.write

    def counting(model, batch):
        encoded.extend(sample.narration_id for sample in batch['data_samples'])
        return encode(model, batch)

    def interrupted(writer, *arguments):
        if writer.done == 6:
            raise KeyboardInterrupt
        write(writer, *arguments)

    monkeypatch.setattr(extract, '_encode', counting)
    monkeypatch.setattr(TokenWriter, 'write', interrupted)
    with pytest.raises(KeyboardInterrupt):
        extract.extract_tokens(config, checkpoint, tmp_path / 'tokens', ['val'])
    monkeypatch.setattr(TokenWriter, 'write', write)
    dataset = dict(type='CachedTokens', folder=str(tmp_path / 'tokens/val'))
    with pytest.raises(ValueError, match='holds 6 of 8 clips: the extraction was interrupted'):
        DATASETS.build(dataset)

    encoded.clear()
    extract.extract_tokens(config, checkpoint, tmp_path / 'tokens', ['val'])
    ids = [sample['data_samples'].narration_id for sample in DATASETS.build(dataset)]
    assert encoded == [ids[0], *ids[6:]]  # the first tells the shapes
    assert len(set(ids)) == 8
    encoded.clear()
    extract.extract_tokens(config, checkpoint, tmp_path / 'tokens', ['val'])
    assert encoded == ids[:1]

    extract.extract_tokens(config, checkpoint, tmp_path / 'whole', ['val'])
    for name in ('rgb.npy', 'flow.npy', 'audio.npy'):
        again, whole = (np.load(tmp_path / folder / 'val' / name) for folder in ('tokens', 'whole'))
        np.testing.assert_allclose(again, whole, rtol=1e-5, atol=1e-5)


def test_asked_to_end_it_leaves_after_a_batch_and_goes_on_when_called_again(
    config, checkpoint, tmp_path, monkeypatch
):
    write = TokenWriter.write

    def write_and_ask(self, *args):
        write(self, *args)
        os.kill(os.getpid(), signal.SIGTERM)

    said = []
    with monkeypatch.context() as patch:
        patch.setattr(TokenWriter, 'write', write_and_ask)
        with pytest.raises(SystemExit, match='143'):
            extract.extract_tokens(config, checkpoint, tmp_path, ['val'], say=said.append)
    assert re.fullmatch(r'SIGTERM: 3 of \d+ clips of val are kept\.', said[-1])
    extract.extract_tokens(config, checkpoint, tmp_path, ['val'], say=said.append)
    assert re.fullmatch(r'val: (\d+) clips in .*', said[-1])


def test_the_folder_belongs_to_one_checkpoint(config, checkpoint, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(extract, '_REPORT_SECONDS', 0)
    extract.extract_tokens(config, checkpoint, tmp_path / 'tokens', ['val'], say=said.append)
    manifest = json.loads((tmp_path / 'tokens/val/manifest.json').read_text())
    assert manifest['encoders']['config'] == 'mimo_query.py'
    assert manifest['data']['annotations']['file'] == 'annotations/EPIC_100_validation.csv'
    assert re.fullmatch('[0-9a-f]{64}', manifest['encoders']['checkpoint']['sha256'])
    assert said[0].startswith(f'{tmp_path}/tokens: 0.001 GB to write, ')
    assert re.fullmatch(r'val: 3 of 8 clips, [0-9.]+ clips/s, \d+ min left', said[1])
    assert said[-1] == f'val: 8 clips in {tmp_path}/tokens/val'

    torch.save({**torch.load(checkpoint, weights_only=True), 'note': 'another'}, checkpoint)
    with pytest.raises(ValueError, match=r'val holds tokens of another extraction: .*sha256 is'):
        extract.extract_tokens(config, checkpoint, tmp_path / 'tokens', ['train'])


def test_a_disk_that_is_too_small_is_found_before_anything_is_written(
    config, checkpoint, tmp_path, monkeypatch
):
    usage = namedtuple('usage', 'total used free')
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage(10, 9, 1))
    with pytest.raises(ValueError, match=r'wants 0\.001 GB.*--dtype float16'):
        extract.extract_tokens(config, checkpoint, tmp_path / 'tokens', ['val'])
    assert not (tmp_path / 'tokens').exists()


def test_a_modality_masked_for_a_measurement_is_extracted_all_the_same(
    config, checkpoint, tmp_path
):
    config.model.data_preprocessor.drop = ('rgb',)
    extract.extract_tokens(config, checkpoint, tmp_path, ['val'])
    assert np.load(tmp_path / 'val/rgb.npy').any()


def test_a_checkpoint_of_other_encoders_is_refused(config, tmp_path):
    path = tmp_path / 'heads.pth'
    torch.save({'state_dict': {'heads.verb.linear.bias': torch.zeros(3)}}, path)
    with pytest.raises(ValueError, match=r'does not hold the backbones of .*missing: rgb\.model'):
        extract.extract_tokens(config, path, tmp_path / 'tokens', ['val'])


def test_a_split_that_the_config_lacks_is_named(config):
    config.test_dataloader = None
    with pytest.raises(ValueError, match='has no test_dataloader; leave test out'):
        extract.evaluation_dataset(config, 'test')


def test_a_config_without_evaluation_is_refused(config):
    config.val_dataloader = config.test_dataloader = None
    with pytest.raises(ValueError, match='has neither val_dataloader nor test_dataloader'):
        extract.evaluation_dataset(config, 'train')


def test_a_training_set_whose_pipeline_is_out_of_reach_is_refused(config):
    inner = config.train_dataloader.dataset
    config.train_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=inner)
    with pytest.raises(ValueError, match=r'of RepeatDataset \(train\) and EpicKitchens.*only one'):
        extract.evaluation_dataset(config, 'train')


def test_a_model_without_backbones_by_modality_is_refused(config, checkpoint):
    config.model = dict(type='torch.nn.Identity')
    with pytest.raises(ValueError, match=r'come from a MultiIOModel; .*mimo_query\.py has a Iden'):
        extract.load_encoders(config, checkpoint)


def test_a_config_without_a_model_is_refused(checkpoint, tmp_path):
    with pytest.raises(ValueError, match='has no `model`. Give the config of a recognizer'):
        extract.extract_tokens(Config(dict(x=1)), checkpoint, tmp_path)
