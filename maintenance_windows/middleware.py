"""Answers 503 for the sites that are in maintenance."""

from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from maintenance_windows.core.decision import UP, Reason, Verdict, decide
from maintenance_windows.core.state import Snapshot
from maintenance_windows.http.exemptions import ALWAYS_OPEN, PEOPLE, URLS
from maintenance_windows.http.responses import mark, unavailable
from maintenance_windows.http.users import amay_pass, may_pass
from maintenance_windows.http.visit import site_state, visit_of
from maintenance_windows.snapshot import runtime

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
        if not (snapshot := runtime.current()):
            return self.get_response(request)
        verdict = judge(request, snapshot)
        trusted = verdict.closed and may_pass(request)
        if refusal := refuse(request, verdict, trusted=trusted):
            return refusal
        return mark(self.get_response(request), verdict, trusted=trusted)

    async def __acall__(self, request: HttpRequest) -> Answer:
        """See __call__()."""
        if not (snapshot := await runtime.acurrent()):
            return await self.get_response(request)
        verdict = judge(request, snapshot)
        trusted = verdict.closed and await amay_pass(request)
        if refusal := refuse(request, verdict, trusted=trusted):
            return refusal
        return mark(await self.get_response(request), verdict, trusted=trusted)


def judge(request: HttpRequest, snapshot: Snapshot) -> Verdict:
    """Whether a request is answered, as far as that can be told without asking who sent it."""
    try:
        state = site_state(request, snapshot)
    except DisallowedHost:
        if request.path_info in ALWAYS_OPEN:  # probes name hosts that are nobody's
            return UP
        raise
    if state is None:
        return UP
    return decide(state, visit_of(request), datetime.now(UTC), urls=URLS, people=PEOPLE)


def refuse(request: HttpRequest, verdict: Verdict, *, trusted: bool) -> HttpResponse | None:
    """The 503, unless the maintenance ended while the database was asked for the user.

    A preflight is answered without the view, which may not look at the method.
    """
    if verdict.reason is Reason.PREFLIGHT:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    if not verdict.closed or trusted or verdict.case is None:
        return None
    case = verdict.case._replace(now=datetime.now(UTC))
    return None if case.maintenance.is_over(case.now) else unavailable(request, case)
