"""Regular expressions as Python reads them, taken apart, measured and written for `regex`."""

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
# Comments and what allows them could hide brackets from TOKEN.
COMMENTED = re.compile(r"\(\?(?:#|[a-zA-Z-]*x[a-zA-Z-]*[:)])")
BRACKET = re.compile(r"\\.|\[", re.DOTALL)
# What stands for other characters, with one of them; what stands for none, with none.
EXAMPLES = {r"\d": "0", r"\w": "a", r"\s": " ", r"\D": "a", r"\W": "-", r"\S": "a", ".": "a"}
EXAMPLES |= dict.fromkeys([r"\A", r"\Z", r"\z", r"\b", r"\B", "^", "$"], "")


def size(expression: str) -> int:
    """How many nodes `regex` makes of it.

    It writes out what is repeated as often as it must occur, and once more. A short expression
    such as a{4294967294}, or (a+)+ in thirty layers, takes all of the memory so.
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
            last = 1 + len(token[0]) // 8  # of a long set
            total += last
    return total


def for_regex(expression: str) -> str:
    r"""The expression that `regex` reads as Python reads this one.

    Otherwise {e} means about the same text, [:alpha:] letters, and older releases know no \z.
    """
    return TOKEN.sub(_for_regex, expression)


def _for_regex(token: re.Match[str]) -> str:
    if token["set"]:
        return "[" + BRACKET.sub(lambda one: r"\[" if one[0] == "[" else one[0], token[0][1:])
    return {"{": r"\{", r"\z": r"\Z"}.get(token[0], token[0])


def samples(expression: str) -> Iterator[str]:
    """Paths on which an expression may take long: what it repeats, very often, and no good end."""
    parts = [(token.lastgroup, _example(token)) for token in TOKEN.finditer(expression)]
    texts = [text for _, text in parts if text]
    units = {"a", "0", "/", "a/", *texts, *map("".join, pairwise(texts))}
    for head in sorted(_heads(parts), key=len):
        for unit in sorted(units):
            for length in (40, 500):
                yield f"{head}{unit * (length // len(unit))}!"


def _heads(parts: list[tuple[str | None, str]]) -> set[str]:
    """What stands before each group and each part that is counted, by one way through it."""
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
