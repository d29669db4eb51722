"""What the pages say is so: commands parse, configs load, files and blocks are what they claim."""

import argparse
import contextlib
import re
import runpy
import shlex
import subprocess
import sys

import pytest
from mmengine.config import Config

from tests.pages import PAGES, ROOT, blocks, commands

NAMES = {path: path.relative_to(ROOT).as_posix() for path in PAGES}


class Parsed(BaseException):
    """The command line was fine; raised so that the tool does not start."""


def tool_calls():
    """Every call of a Python tool in the pages, with its place."""
    for page, name in NAMES.items():
        for block in blocks(page):
            if block.language != 'bash':
                continue
            for line in commands(block):
                words = shlex.split(line, comments=True)
                words = words[next((i for i, word in enumerate(words) if '=' not in word), 0) :]
                if words[:1] == ['python'] and words[1].startswith('tools/'):
                    yield pytest.param(words[1:], id=f'{name}:{block.line}:{words[1]}')


def shell_words():
    return {
        word
        for page in PAGES
        for block in blocks(page)
        if block.language == 'bash'
        for line in commands(block)
        for word in shlex.split(line, comments=True)
    }


@pytest.mark.parametrize('words', list(tool_calls()))
def test_a_tool_takes_the_arguments_that_a_page_gives(words, monkeypatch, capsys):
    def parse(parser, *arguments, **options):
        parse_args(parser, *arguments, **options)
        raise Parsed

    parse_args = argparse.ArgumentParser.parse_args
    monkeypatch.setattr(argparse.ArgumentParser, 'parse_args', parse)
    monkeypatch.setattr(sys, 'argv', words)
    monkeypatch.setattr(sys, 'path', list(sys.path))
    try:
        with contextlib.suppress(Parsed):
            runpy.run_path(str(ROOT / words[0]), run_name='__main__')
    except SystemExit:
        pytest.fail(f'{" ".join(words)}: {capsys.readouterr().err}')


def test_files_that_commands_name_are_there():
    named = {word for word in shell_words() if re.match(r'(tools|configs|projects|\.ci)/', word)}
    assert 'tools/train.py' in named
    assert sorted(word for word in named if not (ROOT / word).exists()) == []


def test_files_that_the_text_names_are_there():
    pattern = re.compile(r'`((?:egomm|configs|tools|projects|docs|requirements)/[\w./-]+\.\w+)`')
    missing = {
        f'{name}: {path}'
        for page, name in NAMES.items()
        for path in pattern.findall(page.read_text(encoding='utf-8'))
        if not (ROOT / path).exists()
    }
    assert sorted(missing) == []


def test_every_python_block_compiles_and_every_config_loads(tmp_path, monkeypatch):
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    configs = []
    for page, name in NAMES.items():
        for block in blocks(page):
            if block.language != 'python':
                continue
            compile(block.code, f'{name}:{block.line}', 'exec')
            if block.file:
                path = tmp_path / block.file
                path.parent.mkdir(exist_ok=True)
                path.write_text(block.code)
                if '_base_' in block.code:
                    configs.append(path)
    assert len(configs) >= 5
    for path in configs:
        if 'custom_imports' in path.read_text():
            # Loading registers the classes of the example a second time: tests/test_docs_run.py.
            continue
        assert Config.fromfile(path).get('model')


def test_the_components_on_the_page_are_those_of_the_example():
    shown = {}
    for block in blocks(ROOT / 'docs/own_component.md'):
        if block.file and '_base_' not in block.code:
            shown[block.file.split('/')[1]] = block.code.partition('\n')[2]
    example = {
        path.name: path.read_text()
        for path in (ROOT / 'projects/example').glob('*.py')
        if path.name not in ('components.py', 'mimo_example.py', 'test_example.py')
    }
    assert shown == example


def test_a_block_is_run_or_says_why_not():
    for page in PAGES:
        for block in blocks(page):
            if block.language == 'bash' and re.search(r'\b(CONFIG|CHECKPOINT)\b', block.code):
                assert block.why, f'{NAMES[page]}:{block.line} has placeholders, so say why not run'


def test_the_pages_build_without_a_warning(tmp_path):
    pytest.importorskip('mkdocs', reason='mkdocs absent: pip install -r requirements/docs.txt')
    done = subprocess.run(
        [sys.executable, '-m', 'mkdocs', 'build', '--strict', '--quiet', '-d', tmp_path / 'site'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / 'site/reference/functional.html').read_text()
    assert 'Gaussian' in page
    assert 'egomm.functional.nms.soft_nms' in page
    assert '001' in (tmp_path / 'site/decisions.html').read_text()
