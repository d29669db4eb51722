"""The shape of the tree: imports point down, files stay small, scripts can be run."""

import ast
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Rooms of egomm/ and the other rooms each may import from.
FLOOR = {
    'functional': set(),
    'sealing': {'functional'},
    'resources': set(),
    'compat': {'sealing'},
    'structures': {'functional'},
    'registry': {'functional', 'structures', 'compat', 'resources'},
}
NEIGHBOURS = ('datasets', 'models', 'metrics', 'hooks', 'submission', 'visualization')
TOP = ('apis', 'testing')
MAY_IMPORT = {
    **FLOOR,
    **{room: set(FLOOR) for room in NEIGHBOURS},
    **{room: {*FLOOR, *NEIGHBOURS, *TOP} for room in TOP},
    '__main__': {'resources'},  # starts the tools, which use the rest
}
OUTSIDE = {'tools', 'tests', 'projects', 'configs'}  # these use egomm, never the reverse
PURE = {'torch', 'numpy'}
PURE_WITHOUT_TORCH = {'scores', 'time_grid'}
MAX_LINES = 450


def imports_of(tree, module):
    """Absolute names of everything a module imports, wherever the statement stands.

    ``module`` is the dotted name of the module, with ``__init__`` kept, so that relative
    imports resolve the same way for packages and plain files.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ''
            if node.level:
                base = '.'.join([*module.split('.')[: -node.level], *filter(None, [base])])
            # `from egomm import models` names a room only in its last part.
            yield from ((node, f'{base}.{alias.name}') for alias in node.names)


def room_of(name):
    parts = name.split('.')
    return parts[1] if parts[0] == 'egomm' and len(parts) > 1 else None


def hidden_registrations(tree):
    """``try`` statements that would turn a failing registration into 'not in the registry'."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Try):
            continue
        caught = ' '.join(
            ast.unparse(handler.type) if handler.type else 'Exception' for handler in node.handlers
        )
        if not any(word in caught for word in ('ImportError', 'ModuleNotFound', 'Exception')):
            continue
        body = ast.Module(body=node.body, type_ignores=[])
        silent = not any(
            isinstance(inner, ast.Raise) for handler in node.handlers for inner in ast.walk(handler)
        )
        imports_egomm = any(
            name.split('.')[0] == 'egomm' or getattr(statement, 'level', 0)
            for statement, name in imports_of(body, 'egomm.x')
        )
        registers = any(
            isinstance(inner, ast.Attribute) and inner.attr == 'register_module'
            for inner in ast.walk(body)
        )
        if silent and (imports_egomm or registers):
            yield node


def violations(root):
    """Every breach of the rules in ``root/egomm``, as ``'file:line: what'``."""
    found = []
    for path in sorted((root / 'egomm').rglob('*.py')):
        relative = path.relative_to(root)
        module = '.'.join(relative.with_suffix('').parts)
        tree = ast.parse(path.read_text(encoding='utf-8'))
        room = room_of(module)

        def report(node, text, place=relative):
            found.append(f'{place.as_posix()}:{node.lineno}: {text}')

        if room != '__init__' and room not in MAY_IMPORT:
            found.append(f'{relative.as_posix()}:1: egomm/{room} has no place in the layers')
            continue
        for node, name in imports_of(tree, module):
            top = name.split('.')[0]
            target = room_of(name)
            if name.endswith('.*'):
                report(node, f'star import of {name[:-2]}')
            if top in OUTSIDE:
                report(node, f'egomm imports {top}, which stands outside')
            if target in MAY_IMPORT and target != room and target not in MAY_IMPORT.get(room, ()):
                report(node, f'{room} imports {target}')
            if room == 'functional' and top != 'egomm':
                pure = PURE - {'torch'} if path.stem in PURE_WITHOUT_TORCH else PURE
                if top not in sys.stdlib_module_names and top not in pure:
                    report(node, f'functional/{path.stem} imports {top}')
        for node in hidden_registrations(tree):
            report(node, 'a registration inside try/except hides its error')
    return found


def test_imports_of_egomm_point_down():
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    'file, source, message',
    [
        ('datasets/epic.py', 'from egomm.models import MultiIOModel', 'datasets imports models'),
        ('models/net.py', 'def f():\n    import egomm.metrics.accuracy', 'models imports metrics'),
        ('models/heads/head.py', 'from ...datasets import epic', 'models imports datasets'),
        ('hooks/hook.py', 'from egomm import apis', 'hooks imports apis'),
        ('structures/sample.py', 'import egomm.registry', 'structures imports registry'),
        (
            'functional/nms.py',
            'from egomm.structures import Stream',
            'functional imports structures',
        ),
        ('functional/nms.py', 'import mmengine', 'functional/nms imports mmengine'),
        ('functional/scores.py', 'import torch', 'functional/scores imports torch'),
        ('metrics/points.py', 'from egomm.functional.dsnt import *', 'star import'),
        ('apis/load.py', 'from projects.example import thing', 'projects, which stands outside'),
        (
            'models/__init__.py',
            'try:\n    from . import a\nexcept ImportError:\n    a = None',
            'hides its error',
        ),
        ('helpers/text.py', 'x = 1', 'egomm/helpers has no place'),
    ],
)
def test_the_checker_catches(tmp_path, file, source, message):
    path = tmp_path / 'egomm' / file
    path.parent.mkdir(parents=True)
    path.write_text(source + '\n')
    [breach] = violations(tmp_path)
    assert breach.startswith(f'egomm/{file}:')
    assert message in breach


@pytest.mark.parametrize(
    'file, source',
    [
        ('models/necks/query.py', 'import math\nfrom egomm.functional.attention import entropy'),
        ('models/heads/head.py', 'from ..layers import pooling\nfrom egomm.registry import MODELS'),
        ('apis/load.py', 'from egomm.models import MultiIOModel\nimport egomm.datasets.epic'),
        ('functional/dsnt.py', 'import torch\nfrom egomm.functional import segments'),
    ],
)
def test_the_checker_allows(tmp_path, file, source):
    path = tmp_path / 'egomm' / file
    path.parent.mkdir(parents=True)
    path.write_text(source + '\n')
    assert violations(tmp_path) == []


def test_files_stay_small():
    files = [
        path
        for room in ('egomm', 'tools', 'tests', 'configs', 'projects')
        for path in (ROOT / room).rglob('*.py')
    ]
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in files
    }
    assert {name: lines for name, lines in lengths.items() if lines >= MAX_LINES} == {}


def test_scripts_can_be_run():
    files = [*(ROOT / 'tools').glob('*.sh'), ROOT / '.ci' / 'run']
    # A file without `#!` is sourced by the others.
    scripts = [path for path in files if path.read_text(encoding='utf-8').startswith('#!')]
    assert {'quickstart.sh', 'run_tests.sh', 'setup_env.sh', 'run'} <= {p.name for p in scripts}
    assert [path.name for path in scripts if not os.access(path, os.X_OK)] == []


def test_tools_find_the_egomm_of_their_checkout():
    for path in (ROOT / 'tools').rglob('*.py'):
        text = path.read_text(encoding='utf-8')
        if any(name.split('.')[0] == 'egomm' for _, name in imports_of(ast.parse(text), 'tools.x')):
            above = len(path.relative_to(ROOT).parents) - 1
            found = f'.resolve().parents[{above}]' in text and 'sys.path.' in text
            assert found, f'{path.relative_to(ROOT)} wants an installed egomm'


def test_readme_names_the_two_commands():
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert 'bash tools/quickstart.sh' in readme
    assert 'bash tools/run_tests.sh' in readme
