import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_tool_writes_as_many_clips_as_asked(tmp_path):
    command = [sys.executable, ROOT / 'tools/make_toy_features.py', tmp_path, '--train', '1']
    made = subprocess.run([*command, '--val', '3'], check=True, capture_output=True, text=True)
    assert '1 clips to train on, 3 to test on' in made.stdout
    assert len(list((tmp_path / 'features/ego').glob('*.npy'))) == 4
