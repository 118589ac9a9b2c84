"""Tokenize Python's regular expressions, measure them and translate them for `regex`."""

import re
from collections.abc import Iterator
from itertools import pairwise

TOKEN = re.compile(
    r"""
      (?P<flags>  \(\?[a-zA-Z]+\) )
    | (?P<opens>  \( (?: \? (?: P<\w+> | P=\w+ | <?[=!] | [:>] | \(\w+\) | [a-zA-Z-]*: ) )? )
    | (?P<closes> \) )
    | (?P<count>  (?: [*+?] | \{ (?: (?P<least>\d+) (?:,\d*)? | ,\d* ) \} ) [+?]? )
    | (?P<choice> \| )
    | (?P<set>    \[ \^? \]? (?: \\. | [^\]\\] )* \] )
    | (?P<atom>   \\N\{[^}]*\} | \\. | . )
    """,
    re.DOTALL | re.VERBOSE,
)
# Comments, and the flag x that allows them, could hide brackets from TOKEN.
COMMENTED = re.compile(r"\(\?(?:#|[a-zA-Z-]*x[a-zA-Z-]*[:)])")
BRACKET = re.compile(r"\\.|\[", re.DOTALL)
# A character that each class matches; the empty string for each anchor.
EXAMPLES = {r"\d": "0", r"\w": "a", r"\s": " ", r"\D": "a", r"\W": "-", r"\S": "a", ".": "a"}
EXAMPLES |= dict.fromkeys([r"\A", r"\Z", r"\z", r"\b", r"\B", "^", "$"], "")


def size(expression: str) -> int:
    """Estimate how many nodes `regex` creates for an expression.

    It copies a repeated part as often as the part must occur, plus once. A short expression
    such as a{4294967294}, or (a+)+ nested thirty times, would use up all memory.
    """
    outer: list[int] = []
    total = last = 0
    for token in TOKEN.finditer(expression):
        if token["opens"]:
            outer.append(total)
            total = 0
        elif token["closes"]:
            last = total + 1
            total = last + (outer.pop() if outer else 0)
        elif token["count"]:
            least = int(token["least"][:9]) if token["least"] else token[0].startswith("+")
            total += last * least
        else:
            last = 1 + len(token[0]) // 8  # a long set counts for more
            total += last
    return total


def for_regex(expression: str) -> str:
    r"""Translate an expression so that `regex` reads it as Python does.

    In `regex`, {e} is a fuzzy match and [:alpha:] means letters; older releases do not know \z.
    """
    return TOKEN.sub(_for_regex, expression)


def _for_regex(token: re.Match[str]) -> str:
    if token["set"]:
        return "[" + BRACKET.sub(lambda one: r"\[" if one[0] == "[" else one[0], token[0][1:])
    return {"{": r"\{", r"\z": r"\Z"}.get(token[0], token[0])


def samples(expression: str) -> Iterator[str]:
    """Yield paths that may be slow to match: many repetitions, then a character that fails."""
    parts = [(token.lastgroup, _example(token)) for token in TOKEN.finditer(expression)]
    texts = [text for _, text in parts if text]
    units = {"a", "0", "/", "a/", *texts, *map("".join, pairwise(texts))}
    for head in sorted(_heads(parts), key=len):
        for unit in sorted(units):
            for length in (40, 500):
                yield f"{head}{unit * (length // len(unit))}!"


def _heads(parts: list[tuple[str | None, str]]) -> set[str]:
    """Return a text that leads up to each group and each repeated part."""
    heads, outer, head = {""}, [""], ""
    for (kind, text), (following, _) in pairwise([*parts, (None, "")]):
        if kind == "opens" or following == "count":
            heads.add(head)
        if kind == "opens":
            outer.append(head)
        elif kind == "closes" and len(outer) > 1:
            outer.pop()
        elif kind == "choice":
            head = outer[-1]
        head += text
    return heads


def _example(token: re.Match[str]) -> str:
    if token["set"]:
        first = re.match(r"\[(\^?)(\\.|.)", token[0], re.DOTALL)
        return "a" if first is None or first[1] else EXAMPLES.get(first[2], first[2][-1])
    return EXAMPLES.get(token[0], token[0][-1]) if token["atom"] else ""
