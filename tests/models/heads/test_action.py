import math

import pytest
import torch

from egomm.models.heads.action import ActionHead
from egomm.models.heads.classification import ClassificationHead
from egomm.structures import Stream

PAIRS = [(0, 0), (0, 1), (2, 1)]


def head(pairs=PAIRS, **kwargs):
    return ActionHead(
        pairs=pairs,
        in_channels=3,
        source='fused',
        dropout=0.0,
        verb_classes=3,
        noun_classes=2,
        **kwargs,
    )


def test_loss_is_that_of_the_class_of_the_pair():
    ours = head()
    plain = ClassificationHead(in_channels=3, num_classes=3, source='fused', dropout=0.0)
    plain.load_state_dict({k: v for k, v in ours.state_dict().items() if k != 'pairs'})
    stream = Stream(torch.rand(4, 3))
    losses = ours.loss(stream, [(0, 1), None, (2, 1), (0, 0)])
    expected = plain.loss(stream, [1, None, 2, 0])
    torch.testing.assert_close({k: losses[k] for k in expected}, expected)
    assert losses['known'].item() == 100


def test_a_pair_that_is_not_listed_does_not_count():
    ours, x = head(), torch.rand(3, 3)
    among = ours.loss(Stream(x), [(0, 1), (1, 1), None])
    alone = ours.loss(Stream(x[:1]), [(0, 1)])
    assert among['loss'].item() == pytest.approx(alone['loss'].item())
    assert among['known'].item() == 50


def test_the_list_comes_from_a_file_and_travels_with_the_weights(tmp_path):
    path = tmp_path / 'train.csv'
    path.write_text('verb,noun\n2,1\n0,0\n2,1\n0,1\n')
    trained = head(str(path))
    assert trained.pairs.tolist() == [[0, 0], [0, 1], [2, 1]]
    other = head([(1, 0), (1, 1), (2, 0)])
    other.load_state_dict(trained.state_dict())
    assert other.pairs.tolist() == trained.pairs.tolist()


def test_prediction_has_logits_and_what_they_say_of_verbs_and_nouns():
    ours = head()
    torch.nn.init.zeros_(ours.linear.weight)
    ours.linear.bias.data = torch.tensor([0.5, 0.2, 0.3]).log()
    first, second = ours.predict(Stream(torch.rand(2, 3, 2, 2, 2)), [{}, {}])
    torch.testing.assert_close(first['logits'].exp(), torch.tensor([0.5, 0.2, 0.3]))
    torch.testing.assert_close(first['verb'].exp()[[0, 2]], torch.tensor([0.7, 0.3]))
    torch.testing.assert_close(first['noun'].exp(), torch.tensor([0.5, 0.5]))
    assert first['verb'].isfinite().all()
    # In a dump the list is there once a batch, and an answer is no more than its own numbers.
    assert first['pairs'] is second['pairs']
    sizes = {name: first[name].untyped_storage().nbytes() for name in ('logits', 'verb', 'noun')}
    assert sizes == {'logits': 12, 'verb': 12, 'noun': 8}


def test_views_are_joined_by_their_log_probabilities():
    ours = head()
    views = [ours.predict(Stream(torch.randn(1, 3) * 9), [{}])[0] for _ in range(2)]
    joint = ours.average(views)
    expected = sum(view['logits'].log_softmax(0) for view in views) / 2
    torch.testing.assert_close(joint['logits'], expected)
    torch.testing.assert_close(joint['noun'][0], expected.log_softmax(0)[0])


@pytest.mark.parametrize(
    'pairs, words',
    [
        ([(0, 0), (0, 2)], r'within 3 verbs and 2 nouns; got 2, among them \[\(0, 2\)\]'),
        ([(0, 0), (0, 0)], 'different'),
        ([], 'got 0'),
        (3806, r'among them \[3806\]'),
        ([(0, 0, 0)], r'\[\(0, 0, 0\)\]'),
        ('nowhere.csv', 'no such annotation file'),
    ],
)
def test_a_list_that_is_none_is_refused(pairs, words):
    with pytest.raises(ValueError, match=words):
        head(pairs)


def test_a_numbered_action_is_refused():
    with pytest.raises(ValueError, match=r'targets \(verb, noun\); got \[5\].*ClassificationHead'):
        head().loss(Stream(torch.rand(2, 3)), [5, None])


def test_uniform_logits_cost_the_logarithm_of_the_pairs():
    ours = head()
    torch.nn.init.zeros_(ours.linear.weight)
    loss = ours.loss(Stream(torch.rand(2, 3)), [(0, 0), (2, 1)])['loss']
    assert loss.item() == pytest.approx(math.log(3))
