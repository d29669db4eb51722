"""tools/convert_checkpoint.py as a user calls it."""

import collections
import json
import time
from pathlib import Path

import torch

KEYS = Path(__file__).parents[1] / 'golden' / 'mtl' / 'mfnet3d_kinetics400_keys.json'


class _Attack:
    """Pickled as a call of `Path.write_text` that happens when the file is read."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return Path.write_text, (self.target, 'owned')


def test_a_converted_file_starts_a_network(command_line, tmp_path):
    keys = json.loads(KEYS.read_text())['keys']
    state = collections.OrderedDict((f'module.{name}', torch.zeros(size)) for name, size, _ in keys)
    torch.save(dict(state_dict=state), tmp_path / 'SRC.pth')
    tool = (command_line.python, command_line.tools / 'convert_checkpoint.py', 'mfnet')
    output = command_line.call(*tool, 'SRC.pth', 'DST.pth', folder=tmp_path)
    assert output.startswith('419 taken\n    conv1.conv.weight\n')
    assert output.endswith("DST.pth holds the weights of {'type': 'MFNet3D'}\n")
    assert len(torch.load(tmp_path / 'DST.pth', weights_only=True)['state_dict']) == 419


def test_a_hostile_file_is_refused_unread(command_line, tmp_path):
    torch.save(dict(trunk={}, x=_Attack(tmp_path / 'written')), tmp_path / 'SRC.pth')
    tool = (command_line.python, command_line.tools / 'convert_checkpoint.py', 'omnivore')
    output = command_line.call(*tool, 'SRC.pth', 'DST.pth', folder=tmp_path, code=2)
    assert output.startswith('error: SRC.pth holds a Python object that egomm does not load')
    assert output.count('\n') == 1
    assert [path.name for path in tmp_path.iterdir()] == ['SRC.pth']


def test_help_is_quick_and_names_the_sources(command_line):
    best = float('inf')
    for _ in range(3):  # the machine may be busy
        start = time.perf_counter()
        output = command_line.call(
            command_line.python, command_line.tools / 'convert_checkpoint.py', '--help'
        )
        best = min(best, time.perf_counter() - start)
    assert 'omnivore: Omnivore Swin-T, Swin-B or Swin-L trunk' in ' '.join(output.split())
    assert '--force' in output
    assert best < 1.5
