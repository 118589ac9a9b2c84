"""Wagtail: URLs that catch all, editors who are not `is_staff`, a log-in of its own."""

from tests.guests import steps
from tests.guests.host import Host

PAGE = """{% extends "base.html" %}
{% block content %}<h1>The editors rest until {{ maintenance.until|date:"H:i" }}</h1>{% endblock %}
"""
PEOPLE = """
def is_staff(user):
    return user.is_staff or user.has_perm("wagtailadmin.access_admin")
"""


# Where `check` has to say W017.
URLS_LAST = """
from django.urls import include, path

urlpatterns += [path("maintenance/", include("maintenance_windows.urls"))]
"""


class Wagtail(Host):
    packages = ("wagtail",)
    settings = "settings/base.py"
    admin = "/django-admin/"
    login = "/admin/login/"
    office = "/admin/"
    page = "The editors rest until"
    warned = frozenset({"W012", "W017"})
    advice = f"""
{steps.SITE_ID}
MAINTENANCE_IS_STAFF = "yourproject.people.is_staff"
"""

    def make(self) -> None:
        self.type("wagtail start yourproject", where=self.folder)
        self.append("settings/base.py", steps.SQLITE)
        self.file("people.py").write_text(PEOPLE)
        self.file("templates/503.html").write_text(PAGE)

    def people(self) -> str:
        return """
from django.contrib.auth.models import Group
editor.groups.add(Group.objects.get(name="Editors"))
"""

    def move_in(self) -> None:
        self.add(self.settings, steps.SETTINGS)
        self.append("urls.py", URLS_LAST)

    def follow_advice(self) -> None:
        super().follow_advice()
        self.append("urls.py", steps.URLS)
