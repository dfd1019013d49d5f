"""The page of façades: what they offer to plugins, with the first sentences of docstrings, read without importing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

CORE = Path(__file__).parents[1] / "core"
PACKAGES = ("codec", "nn", "training", "metrics", "data", "media")
"""Those that are façades by their ``__init__.py``."""

INTRODUCTION = """\
# What plugins may import

*Made from the façades in `core` by `docs/make_reference.py`.*

Plugins import from these packages and modules, and from nothing below them. What stands here keeps its name and
meaning as long as `core.hooks.HOOK_API` is 2; all other modules are private and change without notice.

- [`core.hooks`](hooks.md): the contract, that is entries, options and what things do.
- [`core.errors`](run.md): what to raise.
- `core.codec`, `core.nn`, `core.training`, `core.metrics`, `core.data`, `core.media`: below. All but `core.nn` start
  no MindSpore, so that options may be imported from them; what needs it is loaded when it is first used.
- `core.nn.init`: [weights that a training starts from](nn.md).
- `core` itself: `open_run`, `Run`, `encode`, `decode`, `upscale`, `UpscaleOptions`, for tests and
  [notebooks](../how-to/python.md).
- `core.testing`: [what tests of plugins are made of](../how-to/write-a-plugin.md#test-it).
"""


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *map(_section, PACKAGES)])


def offered_names(package: str) -> Iterator[tuple[str, str]]:
    """Each name of a façade with the module that it is from: imports under their own names, but for whole modules."""
    for node in ast.walk(ast.parse((CORE / package / "__init__.py").read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module != f"core.{package}":
            yield from ((alias.name, str(node.module)) for alias in node.names if alias.asname == alias.name)


def _section(package: str) -> str:
    rows = [f"| `{name}` | {_sentence(module, name)} |" for name, module in sorted(offered_names(package))]
    return "\n".join([f"## `core.{package}`\n", "| name | what it is |", "|---|---|", *rows, ""])


def _sentence(module: str, name: str) -> str:
    """The first sentence of a docstring, as Markdown in a table."""
    body = ast.parse((CORE.parent / f"{module.replace('.', '/')}.py").read_text("utf-8")).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            text = ast.get_docstring(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and name in map(ast.unparse, _targets(node)):
            text = str(ast.literal_eval(after.value)) if isinstance(after, ast.Expr) else None
        else:
            continue
        if not text:
            raise ValueError(f"{module}.{name} is offered to plugins and has no docstring")
        first = re.split(r"(?<!al)\.\s", " ".join(text.split("\n\n")[0].split()), maxsplit=1)[0]
        return re.sub("`+", "`", first).removesuffix(".").replace("|", "\\|")
    raise ValueError(f"{module} has no {name}")


def _targets(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]
