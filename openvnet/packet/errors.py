"""What can be wrong with a packet."""


class MalformedPacketError(Exception):
    """Bytes that are no packet of the kind that was asked for."""
