"""Counts the ICMP echo requests that reach an interface. Run as a program inside a guest.

    python arrivals.py eth0

It says "ready", counts until its standard input ends, and then writes what came as JSON, a count
for each source MAC and destination IPv4 address: {"52:54:00:0d:84:8c 10.102.0.11": 5}.
Frames are read from a packet socket, before the guest's own IP stack judges them, so that a frame
that should not have come is counted even if the guest would ignore it.
"""

import json
import select
import socket
import sys
from collections import Counter
from collections.abc import Iterator

ETH_P_IP = 0x0800
ETHERNET = 14
ICMP = 1
ECHO_REQUEST = 8
PACKET_OUTGOING = 4


def echo_request(frame: bytes) -> tuple[str, str] | None:
    """Source MAC and destination IPv4 address of an echo request (RFC 791, RFC 792), or None."""
    packet = frame[ETHERNET:]
    if frame[12:14] != b"\x08\x00" or len(packet) < 20 or packet[9] != ICMP:
        return None
    header = (packet[0] & 0x0F) * 4
    if packet[header : header + 1] != bytes([ECHO_REQUEST]):
        return None
    return frame[6:12].hex(":"), socket.inet_ntoa(packet[16:20])


def _frames(sock: socket.socket) -> Iterator[bytes]:
    """Frames that came in, until stdin ends and what had come by then is read."""
    ended = False
    while not ended:
        ended = sys.stdin in select.select([sock, sys.stdin], [], [])[0]
        while (frame := _next_frame(sock)) is not None:
            yield frame


def _next_frame(sock: socket.socket) -> bytes | None:
    """The next frame from outside; empty for one of our own, None if there is none now."""
    try:
        frame, address = sock.recvfrom(65535)
    except BlockingIOError:
        return None
    return b"" if address[2] == PACKET_OUTGOING else frame


def main(interface: str) -> None:
    """Count until stdin ends."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP)) as sock:
        sock.bind((interface, ETH_P_IP))
        sock.setblocking(False)
        print("ready", flush=True)
        counts = Counter(
            " ".join(found) for frame in _frames(sock) if (found := echo_request(frame))
        )
    json.dump(counts, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
