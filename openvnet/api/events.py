"""A response of server-sent events (HTML, section 9.2), which ends when its reader is gone."""

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

PATIENCE = 60.0
"""Seconds that a reader may take to read what has been sent; then its connection is closed."""


class EventStream(Response):
    """Events as text, sent as they come."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[str]) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self.events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until there are no more events, or nobody reads."""
        gone = asyncio.create_task(_gone(receive))
        sending = asyncio.create_task(self._send(scope, send))
        try:
            await asyncio.wait((gone, sending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, sending):
                task.cancel()
            await asyncio.gather(gone, sending, return_exceptions=True)

    async def _send(self, scope: Scope, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        if scope["method"] != "HEAD":
            async for text in self.events:
                async with asyncio.timeout(PATIENCE):
                    await send(_body(text, more=True))
        await send(_body("", more=False))


def _body(text: str, more: bool) -> dict[str, object]:
    return {"type": "http.response.body", "body": text.encode(), "more_body": more}


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
