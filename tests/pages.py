"""Code blocks of the pages: what they are, and which a reader can run without data of others."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *(ROOT / 'docs').glob('*.md')])
_BLOCK = re.compile(
    r'^(?:<!-- not run: (?P<why>.+?) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A fenced block: its language, text, why it cannot be run (or None) and its line."""

    language: str
    code: str
    why: str | None
    line: int

    @property
    def file(self) -> str | None:
        """The file that the block is the content of, which its first line names."""
        match = re.match(r'# (\S+/\S+\.py)\n', self.code)
        return match[1] if match and self.language == 'python' else None


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    text = page.read_text(encoding='utf-8')
    return [
        Block(
            match['language'], match['code'], match['why'], text.count('\n', 0, match.start()) + 1
        )
        for match in _BLOCK.finditer(text)
    ]


def commands(block: Block) -> list[str]:
    """The lines of a bash block, continued ones joined; what feeds a file (``<<``) left out."""
    code = re.sub(r"<<'(\w+)'\n.*?^\1$", '', block.code, flags=re.MULTILINE | re.DOTALL)
    lines = re.sub(r'\\\n', ' ', code).splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith('#')]
