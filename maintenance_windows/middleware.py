"""Answers 503 for the sites that are in maintenance."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import DisallowedHost
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase

from maintenance_windows import store
from maintenance_windows.conf import conf
from maintenance_windows.decision import Visit, decide
from maintenance_windows.exemptions import EXEMPTIONS, is_staff
from maintenance_windows.responses import unavailable
from maintenance_windows.snapshot import SiteState, Snapshot

Answer = Any  # a response, or in an async stack something that can be awaited for one


class MaintenanceModeMiddleware:
    """Place it after AuthenticationMiddleware: staff are told by the user it sets.

    Without a snapshot of a closed site it touches neither the user nor the session, so that a
    site that is up gets no `Vary: Cookie` and no query from here.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Answer]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Answer:
        if self.is_async:
            return self.__acall__(request)
        refusal = self.refusal(request, store.current())
        if refusal is None or self.admits(request):
            return self.get_response(request)
        return refusal()

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """See __call__()."""
        refusal = self.refusal(request, await store.acurrent())
        if refusal is None or await self.aadmits(request):
            response: HttpResponseBase = await self.get_response(request)
            return response
        return refusal()

    def refusal(
        self, request: HttpRequest, snapshot: Snapshot
    ) -> Callable[[], HttpResponse] | None:
        """Makes the 503 for everyone but staff; None where the request goes on."""
        if not snapshot or (state := site_state(request, snapshot)) is None:
            return None
        visit = Visit(
            method=request.method or "",
            path=request.path_info,
            address=request.META.get("REMOTE_ADDR", ""),
            urlconf=getattr(request, "urlconf", None),
        )
        now = datetime.now(UTC)
        verdict = decide(state, visit, EXEMPTIONS, now)
        maintenance = verdict.maintenance
        if maintenance is None or not verdict.closed:
            return None
        return partial(unavailable, request, maintenance, now)

    def admits(self, request: HttpRequest) -> bool:
        """Whether the user of this request is staff; nobody is while the database is away."""
        try:
            return is_staff(getattr(request, "user", None))
        except DatabaseError:
            return False

    async def aadmits(self, request: HttpRequest) -> bool:
        """See admits()."""
        try:
            return is_staff(await request.auser() if hasattr(request, "auser") else None)
        except DatabaseError:
            return False


def site_state(request: HttpRequest, snapshot: Snapshot) -> SiteState | None:
    """The site of a request, told as django.contrib.sites does; None where it is up for long."""
    if conf.site_id:
        return snapshot.by_id.get(conf.site_id)
    try:
        host = request.get_host().lower()
    except DisallowedHost:
        return None  # Django answers 400 where anything asks for the host
    return snapshot.by_domain.get(host) or snapshot.by_domain.get(split_domain_port(host)[0])
