"""A middleware that does nothing."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware


@sync_and_async_middleware
def middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    if iscoroutinefunction(get_response):

        async def apass(request: HttpRequest) -> Any:
            return await get_response(request)

        return apass

    def pass_on(request: HttpRequest) -> Any:
        return get_response(request)

    return pass_on
