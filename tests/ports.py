"""TCP ports for tests."""

import socket


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody has there now."""
    family, *_, (address, *_) = socket.getaddrinfo(host, 0)[0]
    with socket.socket(family) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
