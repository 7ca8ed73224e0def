"""Sends and receives numbered packets. Run as a program inside a guest; see `openvnet.lab.traffic`.

    python numbered.py udp RATE OWN_ADDRESS PEER_ADDRESS...
    python numbered.py listen OWN_ADDRESS
    python numbered.py connect RATE PEER_ADDRESS

RATE is of packets or records a second, to each peer. It says "ready", begins when it is told "go",
and every tenth of a second says how many it has sent, and when. When its standard input ends it
sends no more, waits until nothing has come for a while, and writes a report. Times are those of the
machine's monotonic clock, one for all guests.
"""

import json
import select
import socket
import struct
import sys
import time
from contextlib import suppress

BURST = 20
"""After a pause in which this process did not run, at most so many are sent at once."""

PORT = 5005
TICK_SECONDS = 0.1
QUIET_SECONDS = 0.5
RECORD = struct.Struct("!Q56x")
SO_RCVBUFFORCE = 33
BUFFER = 8 << 20
"""Bytes: what arrives while this process does not run must not be lost for want of room."""


class Pace:
    """Says when the next packet is due, and counts what was sent."""

    def __init__(self, rate: int) -> None:
        self.sent = 0
        self._rate = rate
        self._due = self._tick = time.monotonic()

    def due(self) -> int:
        """How many to send now."""
        now = time.monotonic()
        if now >= self._tick:
            self._tick = now + TICK_SECONDS
            _say({"time": now, "sent": self.sent})
        count = max(0, int((now - self._due) * self._rate) + 1)
        if count > BURST:
            count, self._due = BURST, now
        else:
            self._due += count / self._rate
        return count

    def wait(self) -> float:
        """Seconds until the next is due."""
        return max(0.0, self._due - time.monotonic())


class Arrivals:
    """What came, in the order in which it came."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.gap = 0.0
        self.last = time.monotonic()

    def note(self, number: int) -> None:
        """A packet came."""
        now = time.monotonic()
        if self.numbers:
            self.gap = max(self.gap, now - self.last)
        self.numbers.append(number)
        self.last = now

    def is_quiet(self, since: float) -> bool:
        """Whether nothing has come for a while, nor has time to come been short."""
        return time.monotonic() - max(self.last, since) > QUIET_SECONDS


def udp(rate: int, own: str, *peers: str) -> None:
    """Exchange datagrams with peers that do the same: each number goes to each of them."""
    sock = _roomy(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sock.bind((own, PORT))
    sock.setblocking(False)
    _begin()
    pace, stopped = Pace(rate), 0.0
    arrivals = {peer: Arrivals() for peer in peers}
    while not (stopped and all(each.is_quiet(stopped) for each in arrivals.values())):
        inputs = [sock] if stopped else [sock, sys.stdin]
        ready = select.select(inputs, [], [], QUIET_SECONDS / 5 if stopped else pace.wait())[0]
        _receive_datagrams(sock, arrivals)
        if sys.stdin in ready:
            stopped = time.monotonic()
        for _ in range(0 if stopped else pace.due()):
            for peer in peers:
                sock.sendto(RECORD.pack(pace.sent), (peer, PORT))
            pace.sent += 1
    _report(pace.sent, arrivals)


def _receive_datagrams(sock: socket.socket, arrivals: dict[str, Arrivals]) -> None:
    with suppress(BlockingIOError):
        while True:
            record, (peer, _) = sock.recvfrom(RECORD.size)
            arrivals[peer].note(RECORD.unpack(record)[0])


def connect(rate: int, peer: str) -> None:
    """Send records to a listener over one TCP connection."""
    with socket.create_connection((peer, PORT), timeout=10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _begin()
        pace = Pace(rate)
        while not select.select([sys.stdin], [], [], pace.wait())[0]:
            for _ in range(pace.due()):
                sock.sendall(RECORD.pack(pace.sent))
                pace.sent += 1
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)  # Returns when the listener has read all and closes.
    _report(pace.sent, {})


def listen(own: str) -> None:
    """Accept one TCP connection, and read records until its end."""
    with socket.create_server((own, PORT)) as server:
        _say("ready")
        stream, (peer, _) = server.accept()
    arrivals = Arrivals()
    with stream, stream.makefile("rb") as records:
        while len(record := records.read(RECORD.size)) == RECORD.size:
            arrivals.note(RECORD.unpack(record)[0])
    _report(0, {peer: arrivals})


def _begin() -> None:
    _say("ready")
    sys.stdin.readline()


def _roomy(sock: socket.socket) -> socket.socket:
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    return sock


def _report(sent: int, arrivals: dict[str, Arrivals]) -> None:
    came = {peer: {"numbers": each.numbers, "gap": each.gap} for peer, each in arrivals.items()}
    _say({"sent": sent, "came": came})


def _say(words: object) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["udp", rate, own, *peers]:
            udp(int(rate), own, *peers)
        case ["listen", own]:
            listen(own)
        case ["connect", rate, peer]:
            connect(int(rate), peer)
