"""Which sites a process serves."""

from collections.abc import Collection
from typing import Any

from django.contrib.sites.models import Site
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError, router

from maintenance_windows.conf import conf

MADE_BY_DJANGO = "example.com"  # with the first migrate; most projects leave it there


def check_site_id(*, databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W011: SITE_ID is that of one site among others, or of none."""
    using = router.db_for_read(Site)
    if not isinstance(conf.site_id, int) or using not in (databases or ()):
        return []
    sites = Site.objects.using(using)
    try:
        is_there = sites.filter(pk=conf.site_id).exists()
        are_others = sites.exclude(pk=conf.site_id).exclude(domain=MADE_BY_DJANGO).exists()
    except DatabaseError:
        return []  # before the first migrate
    if not is_there:
        said = f"SITE_ID is {conf.site_id}, which is no site: none is ever closed."
        hint = "Give it the id of a site, or take it out."
    elif are_others:
        said = f"SITE_ID is {conf.site_id}: whatever the host, requests are for that site alone."
        hint = "Take it out, so that the host tells which site a request is for."
    else:
        return []
    return [CheckWarning(said, hint=hint, id="maintenance_windows.W011")]
