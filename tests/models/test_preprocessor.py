import pytest
import torch

from egomm.models.preprocessor import EgoDataPreprocessor


def preprocessor(**kwargs):
    return EgoDataPreprocessor(
        modalities=dict(rgb=dict(mean=[1, 2], std=[2, 4]), audio=dict(mean=[0], std=[1])), **kwargs
    )


def batch():
    frames = torch.tensor([5, 10], dtype=torch.uint8).reshape(2, 1, 1, 1)
    return dict(
        inputs=dict(rgb=[frames, frames], audio=[torch.ones(1, 1, 1, 1)] * 2),
        present=dict(rgb=[True, False], audio=[True, True]),
        data_samples=['first', 'second'],
    )


def test_channels_are_normalised_and_a_missing_modality_becomes_zeros():
    out = preprocessor()(batch())
    assert out['inputs']['rgb'].x.flatten(1).tolist() == [[2.0, 2.0], [0.0, 0.0]]
    assert out['inputs']['rgb'].mask.tolist() == [True, False]
    assert out['inputs']['audio'].x.flatten().tolist() == [1.0, 1.0]
    assert out['data_samples'] == ['first', 'second']


def test_a_dropped_modality_is_masked_in_evaluation_only():
    drop = preprocessor(drop=('audio',))
    assert drop(batch())['inputs']['audio'].mask.tolist() == [False, False]
    assert drop(batch())['inputs']['audio'].x.abs().sum() == 0
    assert drop(batch(), training=True)['inputs']['audio'].mask.tolist() == [True, True]


def test_a_modality_that_the_batch_lacks_is_named():
    data = batch()
    del data['inputs']['audio']
    with pytest.raises(ValueError, match=r"\['audio'\] missing. Add it to `PackSample"):
        preprocessor()(data)


def test_a_sample_with_nothing_at_all_is_refused():
    data = batch()
    data['present']['audio'] = [True, False]
    with pytest.raises(ValueError, match=r'rows \[1\] of the batch have none of'):
        preprocessor()(data)


def test_dropping_an_unknown_modality_is_refused():
    with pytest.raises(ValueError, match=r"\['depth'\] is none of \['rgb', 'audio'\]"):
        preprocessor(drop=('depth',))(batch())


def test_samples_of_different_size_are_refused_with_their_shapes():
    data = batch()
    data['inputs']['audio'] = [torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 2)]
    with pytest.raises(ValueError, match=r'audio wants tensors of one shape.*\(1, 1, 1, 2\)'):
        preprocessor()(data)


def test_mean_and_std_of_different_length_are_refused():
    with pytest.raises(ValueError, match='rgb: mean has 2 channels, std 1'):
        EgoDataPreprocessor(modalities=dict(rgb=dict(mean=[1, 2], std=[1])))


def test_a_batch_that_was_not_packed_is_refused():
    with pytest.raises(ValueError, match=r"got \['rgb'\].*End the pipeline with `PackSample`"):
        preprocessor()(dict(rgb=[torch.zeros(1)]))


def test_a_modality_without_numbers_is_named():
    with pytest.raises(ValueError, match=r"wants modalities\['rgb'\]=dict\(mean.*got {'mean': \[0"):
        EgoDataPreprocessor(modalities=dict(rgb=dict(mean=[0])))


def test_tokens_are_left_as_they_are_and_masked():
    tokens = [torch.full((5, 1, 2, 2), value, dtype=torch.float16) for value in (0.5, 3.0)]
    present = dict(rgb=[True, True], audio=[True, False])
    data = dict(inputs=dict(rgb=tokens, audio=tokens), present=present)
    out = EgoDataPreprocessor(modalities=dict(rgb=None, audio=None))(data)['inputs']
    assert out['rgb'].x.dtype == torch.float32
    assert out['rgb'].x[:, 0, 0, 0, 0].tolist() == [0.5, 3.0]
    assert out['audio'].x[:, 0, 0, 0, 0].tolist() == [0.5, 0.0]
    assert out['audio'].mask.tolist() == [True, False]


def test_frames_without_mean_and_std_are_refused():
    only = EgoDataPreprocessor(modalities=dict(rgb=None, audio=None))
    with pytest.raises(ValueError, match=r"rgb arrives as torch\.uint8, but .*\['rgb'\] is None"):
        only(batch())


def test_tokens_of_different_size_are_refused():
    data = batch()
    data['inputs']['audio'] = [torch.ones(1, 1, 1, 1), torch.ones(2, 1, 1, 1)]
    with pytest.raises(ValueError, match=r'audio wants tensors of one shape with 1 channels'):
        EgoDataPreprocessor(modalities=dict(audio=None))(data)


def test_several_views_are_refused():
    with pytest.raises(ValueError, match='one view a clip; got a list of 2 batches'):
        preprocessor()([batch(), batch()], training=True)
