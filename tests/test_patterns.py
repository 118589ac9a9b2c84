import pytest

from maintenance_windows.core.state import PatternKind
from maintenance_windows.patterns import fault

pytestmark = pytest.mark.any_database

ROUTE, REGEX = PatternKind.ROUTE, PatternKind.REGEX


@pytest.mark.parametrize(
    ("kind", "pattern", "words"),
    [
        (ROUTE, "", "blank"),
        (REGEX, "   ", "blank"),
        (ROUTE, "/contact/", "leading slash"),
        (REGEX, "^/contact/$", "leading slash"),
        (REGEX, "(", "cannot read"),
        (REGEX, "a{99999999999999999999}", "cannot read"),
        (REGEX, "(?P<x>a)(?P<x>b)", "cannot read"),
        (ROUTE, "<nosuch:x>/", "cannot read"),
        (ROUTE, "<int:1x>/", "cannot read"),
        (ROUTE, "<int: x>/", "cannot read"),
        (ROUTE, "<int:x>/<int:x>/", "cannot read"),
        (REGEX, ".*", "everything"),
        (REGEX, "^", "everything"),
        (REGEX, "$|x", "everything"),
        (REGEX, "(?i).?", "everything"),
        (ROUTE, "<path:anything>", "everything"),
        (ROUTE, "<path:anything>/", "everything"),
        (REGEX, ".+/$", "everything"),
    ],
)
def test_bad_patterns_are_refused_with_a_sentence(kind, pattern, words):
    sentence = fault(kind, pattern)
    assert sentence is not None
    assert words in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        (ROUTE, "contact/"),
        (ROUTE, "api/<path:rest>"),
        (ROUTE, "<slug:page>/"),
        (REGEX, "^$"),
        (REGEX, r"^item/\d+/$"),
        (REGEX, "health"),
    ],
)
def test_good_patterns_are_taken(kind, pattern):
    assert fault(kind, pattern) is None
