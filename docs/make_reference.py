"""Writes the pages of docs/reference that the code knows itself: façades, hooks, and the options of all entries.

Run as ``python docs/make_reference.py``; a test compares what stands there with the code.
"""

from pathlib import Path

import facades_reference
import hooks_reference
import options_reference

FOLDER = Path(__file__).parent / "reference"


def pages() -> dict[str, str]:
    """The text of every page, by its path below docs/reference."""
    options = {f"configuration/{name}": text for name, text in options_reference.pages().items()}
    return {"facades.md": facades_reference.page(), "hooks.md": hooks_reference.page(), **options}


if __name__ == "__main__":
    for path, text in pages().items():
        (FOLDER / path).write_text(text, "utf-8")
