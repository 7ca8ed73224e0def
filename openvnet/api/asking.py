"""How webapi asks vnmgr, and what it says when nobody answers."""

from openvnet.api.app import Call
from openvnet.api.errors import Unavailable
from openvnet.wire.messages import Reply, Request
from openvnet.wire.rpc import NoAnswer, Rpc

READS = ("show", "list", "nodes", "health", "changes", "hear", "unhear", "backup", "export")

LONGER = {"apply": 300.0, "export": 60.0}
"""Seconds more that are given to what may be long: thousands of interfaces at once."""


def asking(rpc: Rpc, patience: float) -> Call:
    """Requests over this connection, each given up after `patience` seconds beyond its `wait`."""

    async def call(request: Request) -> Reply:
        try:
            return await rpc.ask(request, patience + LONGER.get(request.verb, 0.0))
        except NoAnswer as error:
            reading = request.verb in READS
            doubt = (
                ""
                if reading or not error.asked
                else " Whether the write was done is not known; look before you repeat it."
            )
            raise Unavailable(f"{error}{doubt}") from None

    return call
