"""How long a user waits for a command that only says what it can do."""

import os
import subprocess
import sys
from pathlib import Path

from egomm.testing.benchmarks.contest import Contest, Settings, Side, Work

TOOLS = Path(__file__).resolve().parents[3] / 'tools'
HELP_SECONDS = 1.0
IMPORT_SECONDS = 0.1


def start_up(settings: Settings) -> Contest:
    """`--help` of two tools and `import egomm`, against importing torch alone."""
    return Contest(
        work='starting: `import torch` beside `--help` of the tools and `import egomm`',
        peer=Side('import torch', lambda: _python('-c', 'import torch')),
        sides=[
            Side('tools/train.py --help', lambda: _python(str(TOOLS / 'train.py'), '--help')),
            Side('tools/score.py --help', lambda: _python(str(TOOLS / 'score.py'), '--help')),
            Side('import egomm', lambda: _python('-c', 'import egomm')),
            Side('python alone', lambda: _python('-c', '')),
        ],
        limits={
            'tools/train.py --help': HELP_SECONDS,
            'tools/score.py --help': HELP_SECONDS,
            'import egomm': IMPORT_SECONDS,
        },
        facts={'torch imported by `import egomm` (0 is no)': _imports_torch},
        notes=['seconds of `import egomm` include those of `python alone`'],
    )


def _python(*arguments: str) -> Work:
    def work() -> None:
        subprocess.run(
            [sys.executable, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, 'PYTHONPATH': str(TOOLS.parent)},
        )

    return work


def _imports_torch() -> float:
    code = 'import egomm, sys; raise SystemExit("torch" in sys.modules)'
    return float(subprocess.run([sys.executable, '-c', code]).returncode)
