"""The command `mindvideo`: makes sure that the packages `core` and `plugins` are its own, then starts.

Both are common names for folders. One in the current folder, or on PYTHONPATH, comes first for Python and
hides ours; that deserves one clear sentence instead of a puzzling traceback.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

HOME = Path(__file__).resolve().parent


def main() -> None:
    """Entry point of the console script and of ``python -m core``."""
    hidden = find_shadow()
    if hidden:
        sys.exit(f"Error: {hidden}")
    try:
        from core.app import main as command
    except KeyboardInterrupt:  # nothing has begun, and nobody yet turns the signal into a sentence
        print("Interrupted.", file=sys.stderr)
        sys.exit(130)
    command()


def find_shadow() -> str | None:
    """One sentence on what hides a package of mindvideo, and the remedy; None when nothing does."""
    for name in ("core", "core.conf", "plugins"):
        wanted = _own_locations(name)
        found = _locations(_spec(name))
        if not wanted & set(found):
            return _complaint(name, found)
    return None


def _own_locations(name: str) -> set[Path]:
    """Where a package of this distribution lies: installed, or in a checkout (where conf/ stands apart)."""
    folders = {HOME.joinpath(*name.split("."))}
    return folders | {HOME / "conf"} if name == "core.conf" else folders


def _spec(name: str) -> ModuleSpec | None:
    try:
        return find_spec(name)
    except (ImportError, AttributeError, ValueError):
        return None


def _locations(spec: ModuleSpec | None) -> list[Path]:
    if spec is None:
        return []
    if spec.submodule_search_locations is None:
        return [Path(spec.origin).resolve()] if spec.origin else []
    return [Path(location).resolve() for location in spec.submodule_search_locations]


def _complaint(name: str, found: list[Path]) -> str:
    if not found:
        return f"mindvideo's package '{name}' is missing from {HOME}: install mindvideo again."
    return (
        f"{found[0]} hides mindvideo's own package '{name}' from Python: start the command in another "
        f"folder, and take {found[0].parent} off PYTHONPATH if it is there."
    )


if __name__ == "__main__":
    main()
