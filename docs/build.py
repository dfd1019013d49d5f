"""What MkDocs does to pages beside its own work (`hooks:` in mkdocs.yml).

Equations become MathML, which browsers show without a script. Links of a plugin's README, which lies as deep as a
page of docs/algorithms, lead to the site, and so do those of texts in the repository's root (`SECURITY.md` is
`security.md` here). A page that would load anything from another host is an error.
"""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor
from mkdocs.exceptions import PluginError

_DOCS = Path(__file__).parent
_EQUATION = re.compile(r'<(span|div) class="arithmatex">(?:\\\(|\\\[)(.*?)(?:\\\)|\\\])</\1>', re.DOTALL)
_LOADED = re.compile(
    r'<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc="((?:https?:)?//[^"]*)'
    r'|<link\b(?=[^>]*rel="(?:stylesheet|preload|preconnect|icon|modulepreload)")[^>]*\bhref="((?:https?:)?//[^"]*)'
)


def on_config(config: Any) -> None:
    """Have links of included texts rewritten."""
    config.markdown_extensions.append(_IncludedLinks())


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Turn the equations of a page, which pymdownx.arithmatex has found, into MathML."""
    made = _EQUATION.sub(lambda found: _mathml(found, page.file.src_uri), html)
    if 'class="arithmatex"' in made:
        raise PluginError(f"{page.file.src_uri} has an equation that is not read as one.")
    return made


def on_post_page(output: str, page: Any, **_: Any) -> None:
    """Refuse scripts, styles, fonts and pictures of other hosts."""
    foreign = ["".join(urls) for urls in _LOADED.findall(output)]
    if foreign:
        raise PluginError(f"{page.file.src_uri} would load from elsewhere: {', '.join(foreign)}.")


def _mathml(found: re.Match[str], where: str) -> str:
    """One equation; a command that is not known is an error."""
    block, latex = found[1] == "div", unescape(found[2]).strip()
    mathml = convert(latex, display="block" if block else "inline")
    mathml = re.sub(r"<mo>([A-Za-z]{2,})</mo>", r"<mi>\1</mi>", mathml)  # names of functions, not operators
    if re.search(r">\\", mathml):
        raise PluginError(f"{where}: an equation has a command without a MathML form: {latex}")
    return f'<div class="equation">{mathml}</div>' if block else mathml


class _IncludedLinks(Extension):
    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """After snippets, whose priority is 32, and before anything reads links."""
        md.preprocessors.register(_ToSite(md), "included_links", 31)


class _ToSite(Preprocessor):
    """``../../docs/X`` becomes ``../X``; a link to a file of the repository that the site lacks becomes its text.

    From the root, ``docs/X`` becomes ``X``, and ``NAME.md`` the page ``name.md``.
    """

    def run(self, lines: list[str]) -> list[str]:
        text = "\n".join(lines).replace("](../../docs/", "](../").replace("](docs/", "](")
        text = re.sub(r"\]\(([A-Z]+\.md)\)", lambda link: f"]({link[1].lower()})", text)
        return re.sub(r"(?<!!)\[([^\]]*)\]\(\.\./\.\./([^)#]*)[^)]*\)", _keep, text).split("\n")


def _keep(link: re.Match[str]) -> str:
    """A link from a page two folders deep as it is if it leads to another page, else its text."""
    return link[0] if (_DOCS / link[2]).exists() else link[1]
