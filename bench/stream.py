"""One TCP connection, as fast as it goes. Run as a program inside a guest; see `bench.goodput`.

    python stream.py receive OWN_ADDRESS SECONDS
    python stream.py send PEER_ADDRESS

The receiver says "ready", lets the connection come up to its speed, counts for that many seconds,
says how many bits a second that were, and hangs up; the sender sends until then.
"""

import socket
import sys
import time
from contextlib import suppress

PORT = 5006
CHUNK = 1 << 18
WARM_UP_SECONDS = 0.2


def receive(address: str, seconds: float) -> None:
    """Accept one connection, and measure it."""
    with socket.create_server((address, PORT)) as server:
        print("ready", flush=True)
        stream, _ = server.accept()
    with stream:
        room = bytearray(CHUNK)
        _read(stream, room, WARM_UP_SECONDS)
        octets, took = _read(stream, room, seconds)
    print(8 * octets / took, flush=True)


def _read(stream: socket.socket, room: bytearray, seconds: float) -> tuple[int, float]:
    """Octets that were read until so many seconds were over, and the seconds themselves."""
    started = now = time.perf_counter()
    octets = 0
    while now - started < seconds:
        octets += stream.recv_into(room)
        now = time.perf_counter()
    return octets, now - started


def send(address: str) -> None:
    """Send until the peer hangs up."""
    chunk = bytes(CHUNK)
    with socket.create_connection((address, PORT), timeout=10) as stream, suppress(ConnectionError):
        while True:
            stream.sendall(chunk)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["receive", address, seconds]:
            receive(address, float(seconds))
        case ["send", address]:
            send(address)
