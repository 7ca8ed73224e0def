"""tcpdump where it cannot run: in a user namespace. Run as a program in a host or guest.

    python capture.py -n -i eth0 icmp

As root, tcpdump becomes another user before it reads a packet, and in a plain user's namespace
there is no other user, so it gives up. This program reads the packets itself, and shows them with a
tcpdump that is not root, in one more namespace, which reads them from a pipe (pcap-savefile(5)).
"""

import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

ETH_P_ALL = 3
FILE_HEADER = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
"""Magic number, version 2.4, time zone, precision, longest packet, Ethernet."""

PACKET_HEADER = struct.Struct("=IIII")
"""Seconds, microseconds, captured bytes, bytes on the wire."""

SHOW = ("unshare", "--user", "--map-user=1", "--map-group=1", "tcpdump", "-r", "-")


def split(arguments: Sequence[str], default: str = "eth0") -> tuple[str, list[str]]:
    """The interface that tcpdump's arguments name, and the arguments without it."""
    rest, words = [], iter(arguments)
    interface = default
    for word in words:
        found = re.fullmatch(r"(?:-(?P<flags>[A-Za-z#]*)i|--interface=?)(?P<name>.*)", word)
        if found is None:
            rest.append(word)
            continue
        interface = found["name"] or next(words, default)
        rest.extend([f"-{found['flags']}"] if found["flags"] else [])
    return interface, rest


def recorded(frame: bytes, microseconds: int) -> bytes:
    """A frame as a savefile has it."""
    when = divmod(microseconds, 1_000_000)
    return PACKET_HEADER.pack(*when, len(frame), len(frame)) + frame


def _frames(sock: socket.socket, reader: int) -> Iterator[bytes]:
    """What passes, until the reader's process ends."""
    while reader not in select.select([sock.fileno(), reader], [], [])[0]:
        yield sock.recv(262144)


def main(arguments: Sequence[str]) -> int:
    """Show what passes, as tcpdump does with these arguments; its exit status."""
    interface, rest = split(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for tcpdump, which then counts.
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as sock:
        try:
            sock.bind((interface, 0))
        except OSError as error:
            sys.exit(f"tcpdump: {interface}: {error.strerror}")
        print(f"listening on {interface}", file=sys.stderr)
        with subprocess.Popen(
            (*SHOW, *rest),
            stdin=subprocess.PIPE,
            bufsize=0,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as tcpdump:
            _feed(tcpdump, sock)
        return tcpdump.returncode


def _feed(tcpdump: "subprocess.Popen[bytes]", sock: socket.socket) -> None:
    if tcpdump.stdin is None:
        return
    with suppress(BrokenPipeError):
        tcpdump.stdin.write(FILE_HEADER)
        for frame in _frames(sock, os.pidfd_open(tcpdump.pid)):
            tcpdump.stdin.write(recorded(frame, time.time_ns() // 1000))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
