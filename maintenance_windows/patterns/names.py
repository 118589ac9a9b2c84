"""Match names of URLs, in which * stands for any text."""

import re
from functools import lru_cache


@lru_cache(maxsize=64)
def compile_names(names: tuple[str, ...]) -> re.Pattern[str]:
    """Return an expression for fullmatch() with ResolverMatch.view_name."""
    expressions = [".*".join(map(re.escape, name.split("*"))) for name in names]
    return re.compile("|".join(expressions) if expressions else "(?!)", re.DOTALL)
