import pytest
import torch

from egomm.apis.ensemble import join_checkpoints
from egomm.compat import load_checkpoint


def save(path, width=3):
    weight = torch.randn(2, width)
    torch.save(dict(state_dict={'module.neck.weight': weight}, meta={}), path)
    return weight


def test_weights_stand_under_their_members(tmp_path):
    paths = [tmp_path / f'{name}.pth' for name in 'abc']
    weights = [save(path) for path in paths]
    join_checkpoints(paths, tmp_path / 'new' / 'all.pth')
    state = load_checkpoint(tmp_path / 'new' / 'all.pth')['state_dict']
    assert list(state) == [f'members.{number}.neck.weight' for number in range(3)]
    assert all(torch.equal(got, weight) for got, weight in zip(state.values(), weights))


def test_another_architecture_is_refused_by_the_names_of_both_files(tmp_path):
    save(tmp_path / 'a.pth')
    save(tmp_path / 'b.pth', width=4)
    paths = [tmp_path / 'a.pth', tmp_path / 'b.pth']
    with pytest.raises(
        ValueError, match=r'b.pth is of another arch.* than .*a.pth: 1 of'
    ) as caught:
        join_checkpoints(paths, tmp_path / 'x.pth')
    assert 'neck.weight (2, 4) instead of (2, 3)' in str(caught.value)
    assert 'merge what they found' in str(caught.value)
    assert not (tmp_path / 'x.pth').exists()


def test_one_checkpoint_and_an_existing_file_are_refused(tmp_path):
    save(tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='at least two checkpoints; got 1'):
        join_checkpoints([tmp_path / 'a.pth'], tmp_path / 'x.pth')
    with pytest.raises(ValueError, match='a.pth exists. Give another name, or --force'):
        join_checkpoints([tmp_path / 'a.pth'] * 2, tmp_path / 'a.pth')
