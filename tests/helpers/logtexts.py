"""The texts of warnings and errors that the code logs, found in its syntax trees."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain, product
from pathlib import Path

from django.conf import settings

PACKAGES = ("maintenance_windows", "worker")
LEVELS = {"warning", "error", "exception", "critical"}
LOGS = re.compile(r"_?(logger|failures|missing_templates)$")  # as loggers and LogOnce are named
WORDS = {"note", "warn"}  # functions that log their first argument
GAP = "…"  # for what is known only at run time
PROBLEMS = "dict[Hashable, str]"


@cache
def trees() -> list[ast.Module]:
    root = Path(settings.BASE_DIR)
    files = chain.from_iterable(sorted((root / name).rglob("*.py")) for name in PACKAGES)
    return [ast.parse(file.read_text()) for file in files if "migrations" not in file.parts]


@cache
def returns() -> dict[str, list[tuple[ast.Module, ast.expr | None]]]:
    """By the name of a function, what it returns and where that stands."""
    found: dict[str, list[tuple[ast.Module, ast.expr | None]]] = {}
    for tree in trees():
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Return):
                        found.setdefault(function.name, []).append((tree, node.value))
    return found


def alarms() -> set[str]:
    """The first line of each warning and error, with `…` for what varies."""
    return {text for tree in trees() for value in _logged(tree) for text in _texts(value, tree)}


def recoveries() -> set[str]:
    """What is logged when a problem is over."""
    calls = (node for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Call))
    keywords = chain.from_iterable(call.keywords for call in calls if _name(call) == "LogOnce")
    return {keyword.value.value for keyword in keywords}


def _logged(tree: ast.Module) -> Iterator[ast.expr]:
    """The expressions of all that is logged."""
    dicts = {
        node.arg if isinstance(node, ast.arg) else ast.unparse(node.target)
        for node in ast.walk(tree)
        if isinstance(node, ast.arg | ast.AnnAssign)
        if node.annotation and ast.unparse(node.annotation) == PROBLEMS
    }
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name))], value=value):
                if name in dicts:
                    yield value
            case ast.Call(func=ast.Attribute(attr="now"), args=[argument]):
                if isinstance(argument, ast.IfExp):
                    argument = argument.body
                if isinstance(argument, ast.Dict):
                    yield from argument.values
                elif isinstance(argument, ast.DictComp):
                    yield argument.value
            case ast.Call(func=ast.Attribute(value=value, attr=level), args=[text, *_]):
                if level in LEVELS and LOGS.search(ast.unparse(value)):
                    # `logger.warning("%s", sentence)` is in a function of WORDS or in LogOnce.
                    yield from [text] if ast.unparse(text) != "'%s'" else []
                elif level in WORDS:
                    yield text
            case ast.Call(func=ast.Name(id=name), args=[text, *_]) if name in WORDS:
                yield text


def _texts(value: ast.expr | None, tree: ast.Module, depth: int = 5) -> set[str]:  # noqa: PLR0911 (one for each kind)
    """What an expression may say."""
    match value:
        case ast.Constant(value=str(text)):
            return {re.sub(r"%\w", GAP, text)}
        case ast.JoinedStr(values=parts):
            said = [_texts(part, tree, depth - 1) or {GAP} for part in parts]
            return {"".join(one) for one in product(*said)}
        case ast.FormattedValue(value=inner):
            return _texts(inner, tree, depth - 1) if isinstance(inner, ast.Call) else {GAP}
        case ast.IfExp(body=body, orelse=other):
            return _texts(body, tree, depth) | _texts(other, tree, depth)
        case ast.Call(func=ast.Attribute(value=base, attr="format")):
            return {re.sub(r"\{\}", GAP, text) for text in _texts(base, tree, depth - 1)}
        case ast.Call() if depth:
            return {
                text
                for other, returned in returns().get(_name(value), [])
                for text in _texts(returned, other, depth - 1)
            }
        case ast.Name(id=name) if depth:
            return {
                text for found in _assigned(name, tree) for text in _texts(found, tree, depth - 1)
            }
    return set()


def _assigned(name: str, tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                yield value
            case ast.NamedExpr(target=ast.Name(id=target), value=value) if target == name:
                yield value


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
