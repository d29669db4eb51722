"""``egomm TOOL ARGUMENTS``: run a tool from any folder, with the configs that came with egomm.

The tools are those of ``tools/``, by their names without the suffix. A path that begins with
``configs/`` or ``projects/`` and is not in the present folder is that of the package.

egomm make_toy_kitchen data/toy_kitchen
egomm train configs/toy/mimo_query.py
"""

import ast
import difflib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from egomm.resources import resources

FOLDERS = ('configs', 'projects')


def find_tools(root: Path) -> dict[str, Path]:
    """Path of every tool by its name, such as ``'train'`` or ``'prepare/hands'``."""
    files = sorted((root / 'tools').rglob('*.*'))
    tools = {
        path.relative_to(root / 'tools').with_suffix('').as_posix(): path
        for path in files
        if path.suffix == '.py' or path.suffix == '.sh'
    }
    # What a file without `#!` or `__main__` has is for other tools.
    return {
        name: path
        for name, path in tools.items()
        if '__main__' in (text := path.read_text(encoding='utf-8')) or text.startswith('#!')
    }


def summary(path: Path) -> str:
    """First line of what a tool says of itself."""
    text = path.read_text(encoding='utf-8')
    if path.suffix == '.sh':
        return text.splitlines()[1].lstrip('# ')
    return (ast.get_docstring(ast.parse(text)) or '').partition('\n')[0]


def command(arguments: Sequence[str], root: Path) -> list[str]:
    """The command line that runs a tool.

    Args:
        arguments: Name of the tool and its arguments.
        root: What `resources` gives.

    Raises:
        ValueError: If there is no such tool.
    """
    tools = find_tools(root)
    name, *rest = arguments
    if name not in tools:
        close = difflib.get_close_matches(name, tools, n=3)
        raise ValueError(
            f'There is no tool {name!r}{". Close names: " if close else ""}{", ".join(close)}. '
            'Run `egomm` alone to see all of them.'
        )
    rest = [
        str(root / value)
        if value.startswith(tuple(f'{folder}/' for folder in FOLDERS))
        and not Path(value).exists()
        and (root / value).exists()
        else value
        for value in rest
    ]
    start = ['bash'] if tools[name].suffix == '.sh' else [sys.executable]
    return [*start, str(tools[name]), *rest]


def main() -> None:
    """Become the tool that the command line names, or list all of them."""
    root = resources()
    if len(sys.argv) == 1 or sys.argv[1] in ('-h', '--help'):
        lines = [f'  {name:24} {summary(path)}' for name, path in find_tools(root).items()]
        try:
            print((__doc__ or '').strip(), f'Configs and tools are in {root}', sep='\n\n')
            print('', *lines, sep='\n', flush=True)
        except BrokenPipeError:  # the reader, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    try:
        words = command(sys.argv[1:], root)
    except ValueError as error:
        sys.exit(f'error: {error}')
    os.environ.setdefault('PYTHON', sys.executable)  # what the shell scripts start
    os.execvp(words[0], words)


if __name__ == '__main__':
    main()
