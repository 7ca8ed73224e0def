"""How webapi asks vnmgr, and what it says when nobody answers."""

from msgspec.structs import replace

from openvnet.api.app import Call
from openvnet.api.credentials import CREDENTIALS
from openvnet.api.errors import Unavailable
from openvnet.wire.messages import Reply, Request
from openvnet.wire.rpc import NoAnswer, Rpc

READS = (
    "show",
    "list",
    "nodes",
    "health",
    "changes",
    "hear",
    "unhear",
    "backup",
    "export",
    "whoami",
    "usage",
    "metrics",
)

LONGER = {"apply": 300.0, "export": 60.0}
"""Seconds more that are given to what may be long: thousands of interfaces at once."""


def asking(rpc: Rpc, patience: float) -> Call:
    """Requests over this connection, each with the credentials of whoever asks.

    They are given up after `patience` seconds beyond their `wait`.
    """

    async def call(request: Request) -> Reply:
        try:
            # Outside of any request there are none, and nothing is asked.
            request = replace(request, token=CREDENTIALS.get())
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
