"""HTTP that cannot be read, and errors of our own, get Binance's error JSON too."""

import asyncio

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.server.reply import JSON_TYPE, refusal

SERVER_ERROR = 500


class _NoAccessLog(AbstractAccessLogger):
    @property
    def enabled(self) -> bool:
        return False

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Say nothing: the journal knows every request."""


class ApiServer(web.Server):
    """An aiohttp server whose connections answer errors in JSON."""

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return _Protocol(self, loop=asyncio.get_running_loop(), access_log_class=_NoAccessLog)


class _Protocol(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= SERVER_ERROR:
            super().handle_error(request, status, exc, message)  # it logs the exception
            error = ApiError(-1000, "An unknown error occurred while processing the request.", status)
        else:
            error = ApiError(-1130, "Invalid data sent for a parameter.", status)
        response = web.Response(status=status, body=refusal(error).body, headers={"Content-Type": JSON_TYPE})
        response.force_close()
        return response
