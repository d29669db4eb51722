"""Runs of the tools from another tool: their command lines, and what they leave in a folder."""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config

from egomm.apis import launch
from egomm.apis.exports import write_whole
from egomm.functional.run_cards import HARMLESS, NAME

EGTEA_SPLITS = (1, 2, 3)
EGTEA_VARIABLE = 'EGTEA_SPLIT'


@contextmanager
def egtea_split(split: int) -> Iterator[None]:
    """Let configs of EGTEA Gaze+ be read as of this split."""
    before = os.environ.get(EGTEA_VARIABLE)
    os.environ[EGTEA_VARIABLE] = str(split)
    try:
        yield
    finally:
        if before is None:
            del os.environ[EGTEA_VARIABLE]
        else:
            os.environ[EGTEA_VARIABLE] = before


def tool_command(tools: Path, name: str, *words: str, processes: str | None = None) -> list[str]:
    """The command line of ``train`` or ``test``, in one process or in several.

    Args:
        tools: The folder of the tools.
        name: ``'train'`` or ``'test'``.
        *words: Config, and for a test the checkpoint.
        processes: Of ``tools/dist_train.sh`` on this node; None is one process without a launcher.
    """
    if processes is None:
        return [sys.executable, str(tools / f'{name}.py'), *words]
    return ['bash', str(tools / f'dist_{name}.sh'), *words, processes]


def load_config(config: str, options: Sequence[str] = ()) -> Config:
    """The config that a tool makes of its command line.

    Args:
        config: Path of the file.
        options: ``KEY=VALUE``, as after ``--cfg-options``.

    Raises:
        ValueError: See `egomm.apis.launch.load_config`.
    """
    parser = argparse.ArgumentParser()
    launch.add_common_arguments(parser)
    parsed = parser.parse_args([config, *(['--cfg-options', *options] if options else [])])
    loaded = launch.load_config(parsed)
    loaded.merge_from_dict(parsed.cfg_options)
    return loaded


def sha256_of_config(config: Config) -> str:
    """SHA-256 of all that a config says with what its ``_base_`` files say.

    Left out is what changes no number (`egomm.functional.run_cards.HARMLESS`), such as the work
    directory. The order counts: that of a pipeline is a setting.
    """
    said = {name: value for name, value in config.to_dict().items() if name not in HARMLESS}
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()


def keep_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Refuse a folder whose run began with other settings; its checkpoints are of those.

    Args:
        folder: Of the run; what it began with is kept in its ``settings.json``.
        settings: All that the checkpoints depend on, as JSON has it.

    Raises:
        ValueError: If they differ from those kept, or there is a run but nothing kept.
    """
    kept = folder / 'settings.json'
    before = json.loads(kept.read_text(encoding='utf-8')) if kept.is_file() else None
    if before is None and (folder / 'last_checkpoint').is_file():
        raise ValueError(
            f'{folder} has a run that this tool did not begin, so its settings are not known. '
            'Give another --work-dir.'
        )
    other = [name for name, value in settings.items() if before and before.get(name) != value]
    if other:
        lines = [f'  {name}: {before.get(name)} there, {settings[name]} now' for name in other]
        raise ValueError(
            '\n'.join([f'The run in {folder} began with other settings:', *lines])
            + '\nGive the same config, options and weights, or another --work-dir; if nothing was '
            'trained there yet, remove the folder.'
        )
    write_json(kept, settings)


def choose_checkpoint(folder: Path) -> Path:
    """The best checkpoint of a run, else its last one.

    Raises:
        ValueError: If there is none.
    """
    best = sorted(folder.glob('best_*.pth'), key=lambda path: path.stat().st_mtime)
    if best:
        return best[-1]
    last = folder / 'last_checkpoint'
    if not last.is_file():
        raise ValueError(
            f'{folder} has no checkpoint after training. Let the config keep one: '
            'default_hooks.checkpoint.'
        )
    return folder / Path(last.read_text(encoding='utf-8').strip()).name


def read_scores(folder: Path) -> dict[str, float]:
    """What the latest test in a folder scored: the names with a protocol in them.

    Raises:
        ValueError: If no test has left a score.
    """
    # Such a file has the name of its folder, the time; beside it is a card of the run.
    logs = sorted(path for path in folder.glob('*/*.json') if path.stem == path.parent.name)
    if not logs:
        raise ValueError(f'{folder} has no scores of a test. Run the same command again.')
    report = json.loads(logs[-1].read_text(encoding='utf-8'))
    return {name: value for name, value in report.items() if '/' in name}


def read_card(path: str | Path) -> dict[str, Any]:
    """The card of a run (`egomm.hooks.RunCardHook`), by its file or its work directory.

    Raises:
        ValueError: If there is none, or it is no card.
    """
    place = Path(path)
    file = max(place.glob(f'*/{NAME}'), default=place / NAME) if place.is_dir() else place
    if not file.is_file():
        raise ValueError(
            f'{path} has no {NAME}. Give the work directory of a run whose default_hooks have '
            "run_card=dict(type='RunCardHook'), or the file itself."
        )
    try:
        card = json.loads(file.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{file}: JSON is expected, but {error}. Give a run card.') from error
    if not isinstance(card, dict) or 'config' not in card:
        raise ValueError(f'{file} is no run card: it has no config. Give one.')
    return card


def write_json(path: Path, content: Mapping[str, Any] | list) -> None:
    """Write a file that is never seen in part, and the folders above it."""
    write_whole(path, json.dumps(content, indent=1) + '\n')
