"""Paths that can be read in one way only, and paths below others."""

import re

# An empty segment, one of dots alone, and signs that some servers take for slashes or cut at.
DETOUR = re.compile(r"//|/(?:\.|%2e){1,2}(?:/|\Z)|[\\;\0\r\n]|%2f|%5c", re.IGNORECASE)


def is_below(path: str, roots: tuple[str, ...]) -> bool:
    """Whether a path is one of these or below it, by whole segments and without detours."""
    if not path.startswith(roots):
        return False
    below = any(path == root or path.startswith(f"{root}/") for root in roots)
    return below and is_plain(path)


def is_plain(path: str) -> bool:
    """Whether a path, with its leading slash, can only be read in one way.

    A server that resolves dots, empty segments, backslashes or another round of percent-encoding
    may find something else there than a pattern did.
    """
    return path.startswith("/") and DETOUR.search(path) is None
