"""How a `Reply` becomes bytes on an HTTP connection, whole or hurt."""

import asyncio

from aiohttp import web

from exchange_simulator.server.reply import Delivery, Reply


async def deliver(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """Send a reply the way its delivery says, and return the response that was sent, or one nobody will see."""
    match reply.delivery:
        case Delivery.WHOLE:
            return web.Response(
                body=reply.body, status=reply.status, headers={"Content-Type": reply.content_type, **reply.headers}
            )
        case Delivery.DRIP:
            return await _drip(request, reply)
        case Delivery.TRUNCATE:
            return await _truncate(request, reply)
        case Delivery.SILENCE:
            await asyncio.sleep(reply.seconds)
        case Delivery.RESET:
            reset(request)
        case Delivery.CLOSE:
            pass
    return _hang_up(request)


def reset(request: web.BaseRequest) -> None:
    """Cut the connection so that the client sees a reset."""
    if request.transport is not None:
        request.transport.abort()


def _hang_up(request: web.BaseRequest) -> web.Response:
    """Close the connection and return a response that is not sent: its transport is gone."""
    if request.transport is not None:
        request.transport.close()
    response = web.Response(status=200)
    response.force_close()
    return response


def _started(reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers={"Content-Type": reply.content_type, **reply.headers})
    response.content_length = len(reply.body)
    return response


async def _drip(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    response = _started(reply)
    await response.prepare(request)
    size = max(1, -(-len(reply.body) // reply.pieces))
    for start in range(0, len(reply.body), size):
        await asyncio.sleep(reply.seconds / reply.pieces)
        await response.write(reply.body[start : start + size])
    await response.write_eof()
    return response


async def _truncate(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    response = _started(reply)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    _hang_up(request)
    return response
