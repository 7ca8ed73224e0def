"""What flows hand to the agent, since no flow can answer it. Each handler is a line of this list.

Whatever a guest sends must not be able to keep the agent busy, so each handler has a meter of its
own number in the switch.
"""

from collections.abc import Mapping
from enum import IntEnum

import msgspec

from openvnet.pipeline.fields import PacketField, RegisterField


class Handler(IntEnum):
    """What the agent answers. Its number, from 1 on, is its place in this list."""

    packets: int
    """How many it gets in a second, at most; and how many at once."""

    def __new__(cls, packets: int, doc: str) -> "Handler":
        """Number the handlers as they are listed."""
        self = int.__new__(cls, len(cls.__members__) + 1)
        self._value_, self.packets, self.__doc__ = len(cls.__members__) + 1, packets, doc
        return self

    TOO_BIG = (
        200,
        "Tell the sender of a packet that is too big for the way to another host how large one may "
        "be (fragmentation needed; of IPv6, packet too big).",
    )
    SPEAKS = (
        200,
        "Note that a guest that was to move here is here: it has sent something.",
    )


class Arrival(msgspec.Struct, frozen=True):
    """A packet that a flow handed to the agent, with what the pipeline had written beside it."""

    handler: int
    """The number of a handler, if the flow is one of ours."""
    packet: bytes
    written: Mapping[str, int]
    """Ports, registers and metadata, by the names that matches have for them; 0 is left out."""

    def value(self, field: PacketField | RegisterField) -> int:
        """What one of our own fields, or the number of the port, was."""
        if isinstance(field, PacketField):
            return self.written.get(field.name, 0)
        register = self.written.get(f"reg{field.register}", 0)
        return register >> field.offset & (1 << field.bits) - 1
