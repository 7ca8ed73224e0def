"""A TCP connection between two places of a lab, which stays open as long as its block."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from openvnet.lab.lab import Lab

PORT = 7000

ECHO = f"""
import socket, sys
with socket.create_server((sys.argv[1], {PORT})) as server:
    print("ready", flush=True)
    connected, _ = server.accept()
    while said := connected.recv(100):
        connected.sendall(said)
"""
TALK = f"""
import socket, sys
with socket.create_connection((sys.argv[1], {PORT})) as connected:
    for line in sys.stdin:
        connected.sendall(line.encode())
        print(connected.recv(100).decode(), end="", flush=True)
"""


@contextmanager
def connection(
    world: Lab, client: str, server: str, address: str
) -> Iterator[Callable[[str], bool]]:
    """Say something from one place to an address of another; whether it is heard again."""
    with world.open(server, sys.executable, "-c", ECHO, address) as echo:
        assert echo.stdout
        assert echo.stdout.readline() == "ready\n"
        with world.open(client, sys.executable, "-c", TALK, address) as talk:

            def said(words: str) -> bool:
                assert talk.stdin
                assert talk.stdout
                talk.stdin.write(f"{words}\n")
                talk.stdin.flush()
                return talk.stdout.readline() == f"{words}\n"

            try:
                yield said
            finally:
                talk.kill()
                echo.kill()
