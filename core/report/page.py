"""Pages from the templates that lie beside this file."""

from __future__ import annotations

from importlib import resources
from typing import Any


def page(name: str, **values: Any) -> str:
    """A template filled in; all texts among its values are escaped."""
    from jinja2 import Environment, StrictUndefined

    template = resources.files("core.report").joinpath(f"{name}.html").read_text("utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template).render(**values)
