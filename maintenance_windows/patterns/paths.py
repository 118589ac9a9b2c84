"""Recognise unambiguous paths, and paths below others."""

import re

# Empty segments, dot segments, and characters that servers treat as slashes or cut the path at.
DETOUR = re.compile(r"//|/(?:\.|%2e){1,2}(?:/|\Z)|[\\;\0\r\n]|%2f|%5c", re.IGNORECASE)


def is_below(path: str, roots: tuple[str, ...]) -> bool:
    """Return whether an unambiguous path is one of these roots or below one."""
    if not path.startswith(roots):
        return False
    below = any(path == root or path.startswith(f"{root}/") for root in roots)
    return below and is_plain(path)


def is_plain(path: str) -> bool:
    """Return whether a path, with its leading slash, is unambiguous.

    A server that resolves dots, empty segments, backslashes or double percent-encoding may map
    other paths to another page than the one that a pattern matched.
    """
    return path.startswith("/") and DETOUR.search(path) is None
