"""What MkDocs runs while it builds the pages: the API reference and the list of decisions.

Both are made of the files as they are, so nobody has to keep a list.
"""

from pathlib import Path

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {
    'apis': 'What a user calls',
    'structures': 'What travels between the parts',
    'registry': 'Where components are found by name',
    'datasets': 'From files to samples',
    'models': 'Networks',
    'metrics': 'Scores of a run',
    'hooks': 'What acts on a run from beside',
    'functional': 'Formulas and protocols as plain functions',
    'submission': 'Files for challenges',
    'visualization': 'Pictures',
    'testing': 'Generated worlds and the studies',
    'compat': 'Repairs of what egomm is built on',
    'sealing': 'Checksums of checkpoints',
}


def modules(room):
    """Dotted names of the modules of a room, those whose names begin with ``_`` left out."""
    single = ROOT / 'egomm' / f'{room}.py'
    paths = [single] if single.is_file() else sorted((ROOT / 'egomm' / room).rglob('*.py'))
    for path in paths:
        if not path.name.startswith('_'):
            yield '.'.join(path.relative_to(ROOT).with_suffix('').parts)


def room_page(room, words):
    """The page of a room: every module with its public names."""
    parts = [f'# egomm.{room}', f'{words}.']
    parts += [f'## {name}\n\n::: {name}' for name in modules(room)]
    return '\n\n'.join(parts) + '\n'


def decision_title(path):
    return path.read_text(encoding='utf-8').partition('\n')[0].lstrip('# ')


def pages_of(nav):
    """Every page that a navigation names."""
    for entry in nav:
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry, dict):
            for content in entry.values():
                yield from pages_of(content if isinstance(content, list) else [content])


def on_config(config):
    """Put the generated pages into the navigation, and under Evidence what nobody has put there."""
    known = set(pages_of(config.nav))
    pages = sorted(path.name for path in Path(config.docs_dir).glob('*.md'))
    for entry in config.nav:
        if isinstance(entry, dict) and 'Evidence' in entry:
            entry['Evidence'] += [name for name in pages if name not in known]
        if isinstance(entry, dict) and 'Reference' in entry:
            entry['Reference'] = [{room: f'reference/{room}.md'} for room in ROOMS]
    return config


def on_files(files: Files, config):
    """Add the generated pages."""
    for room, words in ROOMS.items():
        page = File.generated(config, f'reference/{room}.md', content=room_page(room, words))
        files.append(page)
    return files


def on_page_markdown(markdown, page, config, files):
    """List the decisions where the page asks for them."""
    if '<!-- decisions -->' not in markdown:
        return markdown
    paths = sorted((Path(config.docs_dir) / 'decisions').glob('*.md'))
    lines = [f'* [{decision_title(path)}](decisions/{path.name})' for path in paths]
    return markdown.replace('<!-- decisions -->', '\n'.join(lines))
