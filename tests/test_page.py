"""The page of the 503: what it says after which request, its size, its message and its brand."""

import re

import pytest
from django.core.checks import run_checks
from django.template import engines
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from maintenance_windows.conf import conf
from maintenance_windows.core.brand import Brand, luminance
from maintenance_windows.core.state import Level
from maintenance_windows.core.texts import text_in
from maintenance_windows.planning.sites import take_down
from maintenance_windows.requests import get_maintenance, get_upcoming_maintenance
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

pytestmark = pytest.mark.any_database

MOST_BYTES = 8000
FORM = "http://acme.example/form/?step=2"
LEVELS = pytest.mark.parametrize("level", [Level.FULL, Level.READ_ONLY])


@LEVELS
@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_page_is_below_eight_kilobytes(acme, plan, at, visit, language, level):
    plan(acme, level=level, message="We are moving to a larger database server. " * 3)
    at(TWO)
    methods = ("GET", "POST") if level is Level.FULL else ("POST",)
    for method in methods:
        answer = visit(accept_language=language, method=method)
        assert answer.status_code == 503
        assert len(answer.content) < MOST_BYTES


def test_page_loads_nothing_by_default(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    answer = visit()
    assert re.findall(r'(?:src|href)="(.*?)"', answer.text) == ["data:,", ""]
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:; connect-src 'self'; ")


def test_page_of_held_site_says_that_no_end_is_known(acme, at, visit):
    at(TWO)
    take_down([acme])
    page = visit().text
    assert "<b>We do not know yet when we will be back.</b>" in page
    assert "<time" not in page
    take_down([acme], level=Level.READ_ONLY)
    assert "We do not know yet when changes will be possible." in visit(method="POST").text


# After an unsafe method


@LEVELS
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_refused_request_leads_back_to_its_page(acme, plan, at, visit, level, method):
    plan(acme, level=level)
    at(TWO)
    answer = visit("/submit/", method=method, referer=FORM)
    assert answer.status_code == 503
    assert "Nothing was saved." in answer.text
    assert way_back(answer) == FORM
    # Neither a header nor a link leads to the address that got the request.
    assert "Refresh" not in answer.headers
    assert 'href=""' not in answer.text
    assert "This page opens by itself." not in answer.text


def way_back(answer) -> str:
    (address,) = re.findall(r'<a class="button" href="(.*?)">Go back</a>', answer.text)
    return address


def test_page_after_safe_method_opens_by_itself(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    answer = visit("/form/", referer=FORM)
    assert "Nothing was saved." not in answer.text
    assert FORM not in answer.text
    assert "This page opens by itself." in answer.text
    assert answer.headers["Refresh"].endswith("; url=/form/")


@pytest.mark.parametrize(
    "referer",
    [
        "http://evil.example/form/",
        "http://acme.example.evil.example/",
        "http://acme.example@evil.example/",
        "http://acme.example:8000/",
        "https://acme.example/",
        "http:///evil.example",
        "//evil.example/",
        "javascript:alert(1)",
        "http://[",
        "http://acme.example/" + 1000 * "a",
        "",
    ],
)
def test_referer_of_another_origin_leads_nowhere(acme, plan, at, visit, settings, referer):
    plan(acme)
    at(TWO)
    assert way_back(visit("/submit/", method="POST", referer=referer)) == "/"
    settings.MAINTENANCE_BRAND = {"home": "https://www.acme.example/"}
    found = way_back(visit("/submit/", method="POST", referer=referer))
    assert found == "https://www.acme.example/"


def test_referer_is_escaped(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    answer = visit(method="POST", referer='http://acme.example/?"><script>&amp;')
    assert way_back(answer) == "http://acme.example/?&quot;&gt;&lt;script&gt;&amp;amp;"


def test_referer_of_secure_page_is_secure(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    secure = FORM.replace("http:", "https:")
    assert way_back(visit(method="POST", scheme="https", referer=secure)) == secure
    assert way_back(visit(method="POST", scheme="https", referer=FORM)) == "/"


def test_method_override_counts_as_unsafe(acme, plan, at, visit):
    plan(acme, level=Level.READ_ONLY)
    at(TWO)
    answer = visit(x_http_method_override="DELETE", referer=FORM)
    assert way_back(answer) == FORM


def test_page_of_project_gets_way_back(acme, plan, at, visit, settings):
    pages = {"503.html": "{% if way_back %}<a href='{{ way_back }}'>{{ site }}</a>{% endif %}!"}
    settings.TEMPLATES = [locmem(pages)]
    plan(acme)
    at(TWO)
    assert visit().text == "!"
    for number in range(3):
        referer = f"http://acme.example/{number}"
        answer = visit(method="POST", referer=referer)
        assert answer.text == f"<a href='{referer}'>acme.example</a>!"


def locmem(pages: dict[str, str]) -> dict[str, object]:
    loader = ("django.template.loaders.locmem.Loader", pages)
    return {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {"loaders": [loader]},
    }


# The message


def test_addresses_in_message_are_links(acme, plan, at, visit):
    plan(
        acme,
        message='See https://status.example/7?a=1&b=2, or ask help@acme.example.\n\n<b>"now"</b>',
    )
    at(TWO)
    shown = visit().text
    assert (
        '<p>See <a href="https://status.example/7?a=1&amp;b=2" rel="nofollow">'
        "https://status.example/7?a=1&amp;b=2</a>, or ask "
        '<a href="mailto:help@acme.example">help@acme.example</a>.</p>'
    ) in shown
    assert "<p>&lt;b&gt;&quot;now&quot;&lt;/b&gt;</p>" in shown


@pytest.mark.parametrize(
    "message",
    [
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "<a href='https://evil.example' onclick=alert(1)>x</a>",
        'https://a.example/"onmouseover="alert(1)',
        "[x](javascript:alert(1))",
    ],
)
def test_message_cannot_contain_markup(acme, plan, at, visit, message):
    plan(acme, message=message)
    at(TWO)
    shown = re.search(r'<div dir="auto">(.*?)</div>', visit().text, re.DOTALL)[1]
    attributes = re.findall(r"<(\w+)((?:\s+\w+=\"[^\"]*\")*)>", shown)
    assert shown.count("<") == len(attributes) + len(re.findall(r"</\w+>", shown))
    assert {name for name, _ in attributes} <= {"p", "a"}
    assert "onclick" not in "".join(given for _, given in attributes)
    assert 'href="javascript' not in shown


MESSAGE = "New disks.\n[fr] \n[de] Neue Platten.\n\nBis bald.\n[pt-BR]Discos novos.\n[nn] note"


@pytest.mark.parametrize(
    ("accepted", "shown"),
    [
        ("en", "New disks."),
        ("de", "Neue Platten.\n\nBis bald."),
        ("de-AT", "Neue Platten.\n\nBis bald."),
        ("pt-br", "Discos novos.\n[nn] note"),
        ("pt", "New disks."),
        ("fr", "New disks."),  # its part is empty
        ("it", "New disks."),
    ],
)
def test_message_is_in_language_of_visitor(acme, plan, at, visit, settings, accepted, shown):
    """A code that is not in LANGUAGES is ordinary text."""
    settings.LANGUAGES = [(code, code) for code in ("en", "de", "fr", "it", "pt", "pt-br")]
    plan(acme, message=MESSAGE)
    at(TWO)
    assert shown in visit(accept="text/plain", accept_language=accepted).text
    problem = visit(accept="application/json", accept_language=accepted).json()
    assert problem["detail"].startswith(shown)
    page = visit(accept_language=accepted).text
    assert f"<p>{shown.splitlines()[0]}" in page
    assert "[de]" not in page


def test_status_page_and_banner_are_in_language_of_visitor(acme, plan, at, visit, rf):
    plan(acme, level=Level.READ_ONLY, message=MESSAGE)
    plan(acme, FOUR + HOUR, FOUR + 2 * HOUR, message="[de] Später.\n[en] Later.")
    at(TWO)
    answer = visit("/maintenance/status.json", accept_language="de").json()
    assert answer["message"] == "Neue Platten.\n\nBis bald."
    assert [window["message"] for window in answer["coming"]] == ["Später."]
    page = visit("/maintenance/", accept_language="de").text
    assert "Neue Platten." in page
    assert "Später." in page
    assert "Later." not in page
    feed = visit("/maintenance/calendar.ics", accept_language="de").text
    assert "DESCRIPTION:Later." in feed
    request = rf.get("/", headers={"host": "acme.example"})
    tag = engines["django"].from_string("{% load maintenance %}{% maintenance_banner %}")
    with translation.override("en"):
        assert get_maintenance(request).message == "New disks."
        assert "New disks." in tag.render({}, request)
        at(FOUR + HOUR - MINUTE)
        assert get_upcoming_maintenance(request).message == "Later."


@pytest.mark.parametrize(
    ("message", "language", "text"),
    [
        ("", "de", ""),
        (" as written [de] ", "de", " as written [de] "),
        ("[UPDATE] soon", "de", "[UPDATE] soon"),
        ("[de] eins\n[de] zwei", "de", "eins"),
        ("[fr] un\n[de] eins", "es", "un"),
        ("[zh-hant] a\n[zh] b", "zh-hant", "a"),
        ("[zh] b", "zh-hant", "b"),
        ("Before\n[en] marked", "en", "marked"),
        ("Before\n[en] marked", "fr", "marked"),
        ("[fr]\n[de]", "de", ""),
    ],
)
def test_part_of_message(message, language, text):
    languages = {"en", "de", "fr", "es", "zh-hant"}
    assert text_in(message, language, "en", languages) == text


def test_whole_message_is_kept_for_programs(acme, plan, at, visit):
    assert plan(acme, message=MESSAGE).message == MESSAGE


# The brand


BRAND = {
    "name": "Acme & Sons",
    "logo": "/static/logo.svg",
    "accent": "#FE0",
    "home": "https://www.acme.example/",
    "contact": "help@acme.example",
}


def test_brand_is_on_the_page(acme, plan, at, visit, settings):
    settings.MAINTENANCE_BRAND = BRAND
    plan(acme)
    at(TWO)
    answer = visit()
    assert "<title>Down for maintenance · Acme &amp; Sons</title>" in answer.text
    assert (
        '<a href="https://www.acme.example/"><img src="/static/logo.svg" alt="">'
        "<bdi>Acme &amp; Sons</bdi></a>"
    ) in answer.text
    assert ":root { --accent: #FE0; --on: #000; }" in answer.text
    assert '<a href="mailto:help@acme.example">help@acme.example</a>' in answer.text
    assert "; img-src data: 'self'; " in answer.headers["Content-Security-Policy"]


def test_page_shows_domain_without_brand(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    assert '<p class="brand"><bdi>acme.example</bdi></p>' in visit().text
    assert "<footer>" not in visit().text


@pytest.mark.parametrize(
    ("logo", "images"),
    [
        ("https://cdn.example:8443/a/logo.svg?v=1", "data: https://cdn.example:8443"),
        ("data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>", "data:"),
        ("https://cdn.example;script-src/x", "data:"),
        ("https://cdn.example'unsafe-inline'/x", "data:"),
        ("//cdn.example/logo.svg", "data:"),
        ("http://cdn.example/logo.svg", "data:"),
    ],
)
def test_policy_allows_only_the_logo(acme, plan, at, visit, settings, logo, images):
    settings.MAINTENANCE_BRAND = {"logo": logo}
    plan(acme)
    at(TWO)
    policy = visit().headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; img-src {images}; connect-src 'self'; ")


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("https://acme.example/help", '<a href="https://acme.example/help">acme.example/help</a>'),
        ("/help/", '<a href="/help/">/help/</a>'),
        ("tel:+49301234", '<a href="tel:+49301234">+49301234</a>'),
        ("Call <us> at 030 1234", "Call &lt;us&gt; at 030 1234"),
        ("javascript:alert(1)", "javascript:alert(1)"),
    ],
)
def test_contact(acme, plan, at, visit, settings, contact, shown):
    settings.MAINTENANCE_BRAND = {"contact": contact}
    plan(acme)
    at(TWO)
    assert f"<footer>Questions? {shown}</footer>" in visit().text


@pytest.mark.parametrize(
    ("brand", "sentence"),
    [
        ("Acme", "It must be a dict, not 'Acme'."),
        (
            {"no": ""},
            "'no' is unknown; the keys are name, logo, accent, home, contact.",
        ),
        ({"name": "Caf\udce9"}, "'name' must be a string of valid Unicode, not 'Caf\\udce9'."),
        ({"accent": "red"}, "'accent' must be a colour such as #1f5fae, not 'red'."),
        ({"accent": "#12345"}, "'accent' must be a colour such as #1f5fae, not '#12345'."),
        ({"name": None}, "'name' must be a string of valid Unicode, not None."),
        ({"home": "javascript:x"}, "'home' must be a path or an address, not 'javascript:x'."),
        (
            {"logo": "http://a.example/b.png"},
            "'logo' must be a path, an https:// address or a data:image/ URL, "
            "not 'http://a.example/b.png'.",
        ),
    ],
)
def test_invalid_brand_is_reported_and_ignored(settings, brand, sentence):
    valid = {"contact": "us"}
    settings.MAINTENANCE_BRAND = brand | valid if isinstance(brand, dict) else brand
    said = [message.msg for message in run_checks() if message.id == "maintenance_windows.E005"]
    assert said == [f"MAINTENANCE_BRAND: {sentence}"]
    read = conf.MAINTENANCE_BRAND
    assert read == (Brand(**valid) if isinstance(brand, dict) else Brand())


def test_valid_brand_gives_no_message(settings):
    for brand in ({}, BRAND, dict.fromkeys(BRAND, ""), {"home": "/", "accent": "#abcdef"}):
        settings.MAINTENANCE_BRAND = brand
        assert not [one for one in run_checks() if one.id == "maintenance_windows.E005"]


@given(st.integers(0, 0xFFFFFF))
def test_text_on_accent_has_enough_contrast(colour):
    accent = f"#{colour:06x}"
    ground, text = luminance(accent), luminance(Brand(accent=accent).ink)
    assert (max(ground, text) + 0.05) / (min(ground, text) + 0.05) >= 4.5


def test_luminance_is_that_of_wcag():
    assert luminance("#fff") == luminance("#ffffff") == pytest.approx(1)
    assert luminance("#000") == 0
    assert luminance("#777777") == pytest.approx(0.1845, abs=1e-4)
