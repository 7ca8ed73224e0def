"""What passes a network link of a lab, as tcpdump shows it; for tests and for the curious.

with listening(lab, ROUTER, "host1", "udp port 6081") as wire:
    lab.run("vm1", "ping", "-c1", "10.102.0.11")
    wire.hear("ICMP echo reply")
"""

import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from openvnet.lab.errors import LabError
from openvnet.lab.lab import Lab

_LISTEN = """
tcpdump -n -e -l --immediate-mode -i "$@" 2>&1 &
read -r _
kill $!
wait
"""

PATIENCE_SECONDS = 15


class Wire:
    """A link that somebody listens to."""

    def __init__(self, tcpdump: "subprocess.Popen[str]") -> None:
        if tcpdump.stdout is None:
            raise LabError("tcpdump was started without pipes")
        self._output = tcpdump.stdout.fileno()
        self._text = ""

    def hear(self, words: str) -> None:
        """Listen until a packet has been shown in these words."""
        while words not in self._text:
            ready = select.select([self._output], [], [], PATIENCE_SECONDS)[0]
            more = os.read(self._output, 65536) if ready else b""
            if not more:
                raise LabError(f"{words!r} was not heard, but: {self._text}")
            self._text += more.decode(errors="replace")

    @property
    def packets(self) -> list[str]:
        """What was heard up to the last `hear`, a line a packet, complete ones only."""
        lines = self._text.split("\n")[:-1]
        return [line for line in lines if line[:1].isdecimal()]  # They begin with the time.


@contextmanager
def listening(lab: Lab, place: str, link: str, *words: str) -> Iterator[Wire]:
    """Listen to a link of a place, to what a filter of tcpdump's lets pass, during the block."""
    with lab.open(place, "sh", "-c", _LISTEN, "listen", link, *words) as tcpdump:
        wire = Wire(tcpdump)
        wire.hear("listening on")
        yield wire
        tcpdump.communicate()
