"""Where configs and tools lie, in a checkout or in an installed package."""

import difflib
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
SCOPE = 'egomm::'


def resources() -> Path:
    """The folder that has ``configs/``, ``tools/`` and ``projects/``.

    That is ``.mim`` of the package, where a wheel puts them, else the checkout.
    """
    installed = PACKAGE / '.mim'
    return installed if installed.is_dir() else PACKAGE.parent


def packaged_config(name: str) -> Path:
    """Path of a config of egomm.

    Args:
        name: Its path under ``configs/`` behind the scope, as in ``egomm::toy/mimo_query.py``.

    Raises:
        ValueError: If there is none of that name; the text has close ones.
    """
    folder = resources() / 'configs'
    path = folder / name.removeprefix(SCOPE)
    if not path.is_file():
        known = [file.relative_to(folder).as_posix() for file in folder.rglob('*.py')]
        close = difflib.get_close_matches(name.removeprefix(SCOPE), known, n=3)
        raise ValueError(
            f'egomm has no config {name!r} in {folder}. Close names: '
            f'{", ".join(SCOPE + file for file in close) or "none"}.'
        )
    return path


def let_bases_be_packaged() -> None:
    """Let ``_base_ = 'egomm::toy/mimo_query.py'`` name a config of egomm from any folder.

    MMEngine 0.10.7 keeps the packages of which it knows this in a list of its own, and asks
    ``pkg_resources`` where they are. Calling it twice does no harm.
    """
    from mmengine.config import Config

    find = Config._get_cfg_path
    if find.__module__ == __name__:
        return

    def find_packaged(cfg_path: str, filename: str) -> tuple[str, str | None]:
        if cfg_path.startswith(SCOPE):
            return str(packaged_config(cfg_path)), None  # as if it lay beside `filename`
        return find(cfg_path, filename)

    Config._get_cfg_path = staticmethod(find_packaged)
