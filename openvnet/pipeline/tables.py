"""The stages that a packet passes. A table's number is its place in this list."""

from enum import IntEnum


class Table(IntEnum):
    """A stage of the pipeline. Packets only move forward, except into `FLOOD` and back."""

    def __new__(cls, doc: str) -> "Table":
        """Number the tables as they are listed."""
        self = int.__new__(cls, len(cls.__members__))
        self._value_, self.__doc__ = len(cls.__members__), doc
        return self

    PORT_SECURITY = (
        "Find the sender and its network by port, MAC and IP address; drop what it may not send."
    )
    ARP = "Answer requests for known addresses, on behalf of those who hold them."
    L2_LOOKUP = "Choose where to send a packet by its destination MAC."
    FLOOD = "Send to the members of one chunk of a network's flood list, then return."
