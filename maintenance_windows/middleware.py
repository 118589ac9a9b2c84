"""Answers 503 for the sites that are in maintenance."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase

from maintenance_windows import store
from maintenance_windows.conf import conf
from maintenance_windows.decision import Visit, decide
from maintenance_windows.exemptions import EXEMPTIONS
from maintenance_windows.responses import unavailable
from maintenance_windows.snapshot import Maintenance, SiteState, Snapshot
from maintenance_windows.users import asent_by_staff, sent_by_staff

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
        maintenance = self.closing(request, store.current())
        if maintenance is None or sent_by_staff(request):
            return self.get_response(request)
        return self.refusal(request, maintenance) or self.get_response(request)

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """See __call__()."""
        maintenance = self.closing(request, await store.acurrent())
        if maintenance is None or await asent_by_staff(request):
            return await self.get_response(request)  # type: ignore[no-any-return]
        refusal = self.refusal(request, maintenance)
        return refusal or await self.get_response(request)

    def closing(self, request: HttpRequest, snapshot: Snapshot) -> Maintenance | None:
        """The maintenance that closes this request to everyone but staff."""
        if not snapshot or (state := site_state(request, snapshot)) is None:
            return None
        visit = Visit(
            method=request.method or "",
            path=request.path_info,
            address=request.META.get("REMOTE_ADDR", ""),
            urlconf=getattr(request, "urlconf", None),
        )
        verdict = decide(state, visit, EXEMPTIONS, datetime.now(UTC))
        return verdict.maintenance if verdict.closed else None

    def refusal(self, request: HttpRequest, maintenance: Maintenance) -> HttpResponse | None:
        """The 503, unless the maintenance ended while the database was asked for the user."""
        now = datetime.now(UTC)
        return None if maintenance.is_over(now) else unavailable(request, maintenance, now)


def site_state(request: HttpRequest, snapshot: Snapshot) -> SiteState | None:
    """The site of a request, told as django.contrib.sites does; None where it is up for long."""
    if conf.site_id:
        return snapshot.of(conf.site_id)
    try:
        host = request.get_host().lower()
    except DisallowedHost:
        return None  # Django answers 400 where anything asks for the host
    return snapshot.find(host, split_domain_port(host)[0])
