"""The stages that a packet passes. A table's number is its place in this list."""

from enum import IntEnum


class Table(IntEnum):
    """A stage of the pipeline. Packets only move forward; into flooding they go and come back."""

    def __new__(cls, doc: str) -> "Table":
        """Number the tables as they are listed."""
        self = int.__new__(cls, len(cls.__members__))
        self._value_, self.__doc__ = len(cls.__members__), doc
        return self

    PORT_SECURITY = (
        "Pass what is between the host and its uplinks. Of all else, find the sender and its "
        "network by port, MAC and IP address; drop what it may not send."
    )
    ARP = "Find the holder of the address that a request is for, if it is known."
    ARP_REPLY = (
        "Turn a request into the reply of the holder whose MAC is in eth_dst, and send it back."
    )
    FROM_TUNNEL = "Find the network of what came in a tunnel: by its number, and by who sent it."
    FROM_LAN = (
        "Find the physical network of what the host or an uplink has sent to all, or the host to a "
        "guest; it has gone its usual way already."
    )
    FROM_UNDERLAY = "Check the sender of what came from another host without a tunnel (mac2mac)."
    L2_LOOKUP = "Choose where to send a packet by its destination MAC."
    MAC_LEARNT = (
        "Of segments, what the switch learnt of senders whose MAC nobody leases: send to the port, "
        "or name the other host, then return."
    )
    UNKNOWN_UNICAST = (
        "Send what is for a learnt MAC on to its host; what is for one that is not known, to "
        "whoever may have it."
    )
    FLOOD = "Send to the members of one chunk of a network's flood list, then return."
    FLOOD_PEERS = "Send to the hosts of one chunk of those that have members, then return."
    PATH_MTU = "Compare what is for one guest on another host with the largest that passes there."
    TO_PEER = (
        "Send to another host: in a tunnel, or without one on the underlay (mac2mac); what is too "
        "big for that goes to the agent."
    )
