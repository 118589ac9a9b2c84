"""The middleware that answers 503 for the sites in maintenance."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest

from maintenance_windows.core.decision import Verdict, decide
from maintenance_windows.http.caching import TOLD, limit_storage, refuse_storage
from maintenance_windows.http.exemptions import SENDERS, URLS
from maintenance_windows.http.hooks import aonly_reads, only_reads
from maintenance_windows.http.responses import mark, refusal
from maintenance_windows.http.users import amay_pass, may_pass
from maintenance_windows.http.visit import read_visit
from maintenance_windows.snapshot import runtime

Answer = Any  # a response, or in an async stack something that can be awaited for one


class MaintenanceModeMiddleware:
    """Place it after AuthenticationMiddleware, which sets the user that tells staff from visitors.

    Without a snapshot of a site that is down it touches neither the user nor the session, so that
    a site that is up gets no `Vary: Cookie` and no query from here.
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
        snapshot = runtime.current()
        if not snapshot:
            return self.get_response(request)
        if (visit := read_visit(request, snapshot)) is None:
            response = self.get_response(request)
            if TOLD in vars(request):
                limit_storage(request, response)
            return response
        verdict = decide(visit, urls=URLS, senders=SENDERS)
        if verdict is Verdict.DOWN and only_reads(request, visit):
            visit = visit._replace(only_reads=True)
            verdict = decide(visit, urls=URLS, senders=SENDERS)
        if verdict is Verdict.DOWN and may_pass(request):
            verdict = Verdict.TRUSTED
        if refused := refusal(request, visit, verdict):
            return refused
        if verdict is Verdict.TRUSTED:
            refuse_storage(request)
        return mark(request, self.get_response(request), visit, verdict)

    async def __acall__(self, request: HttpRequest) -> Answer:
        """See __call__()."""
        snapshot = await runtime.acurrent()
        if not snapshot:
            return await self.get_response(request)
        if (visit := read_visit(request, snapshot)) is None:
            response = await self.get_response(request)
            if TOLD in vars(request):
                limit_storage(request, response)
            return response
        verdict = decide(visit, urls=URLS, senders=SENDERS)
        if verdict is Verdict.DOWN and await aonly_reads(request, visit):
            visit = visit._replace(only_reads=True)
            verdict = decide(visit, urls=URLS, senders=SENDERS)
        if verdict is Verdict.DOWN and await amay_pass(request):
            verdict = Verdict.TRUSTED
        if refused := refusal(request, visit, verdict):
            return refused
        if verdict is Verdict.TRUSTED:
            refuse_storage(request)
        return mark(request, await self.get_response(request), visit, verdict)
