"""A blocking OpenFlow connection of a dozen lines, for tests that want to see each message."""

import socket
import struct

from openvnet.openflow import messages, replies
from openvnet.openflow.encoding import encode


class Wire:
    """A second controller, on the bridge's management socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")
        self.send(messages.hello(1))
        assert self.receive()[0] == messages.HELLO

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def send(self, *sent):
        self.socket.sendall(b"".join(sent))

    def receive(self):
        """The next message: kind, xid, body."""
        _, kind, length, xid = struct.unpack("!BBHI", self.stream.read(8))
        return kind, xid, self.stream.read(length - 8)

    def until_barrier(self):
        """All that the switch says until it has done all that it was told."""
        self.send(messages.message(messages.BARRIER_REQUEST, 0xFFFF))
        said = []
        while (received := self.receive())[0] != messages.BARRIER_REPLY:
            said.append(received)
        return said

    def add(self, flows):
        """Add flows; returns the errors by position."""
        self.send(*(messages.flow_add(xid, *encode(flow)) for xid, flow in enumerate(flows)))
        return {xid: body for kind, xid, body in self.until_barrier() if kind == messages.ERROR}

    def flows(self):
        """All flows of the bridge."""
        self.send(messages.flow_stats_request(7))
        for kind, _, body in self.until_barrier():
            if kind == messages.MULTIPART_REPLY:
                yield from replies.read_flow_stats(replies.read_multipart(body).body)

    def clear(self):
        """Delete all flows."""
        everywhere = bytes((messages.ALL_TABLES, 0, 0)) + messages.EMPTY_MATCH
        delete = bytearray(messages.flow_delete_strict(8, everywhere))
        delete[8 + 17] = messages.DELETE
        self.send(bytes(delete))
        assert not self.until_barrier()
