"""Ask the real switch what becomes of a packet, without sending one (`ofproto/trace`)."""

import asyncio
import json
import re
import socket
from typing import NamedTuple

from openvnet.openflow.driver import listen
from openvnet.openflow.encoding import cookie_of
from openvnet.pipeline.flow import LOCAL, Drop
from openvnet.pipeline.handlers import Handler

_OUTPUT = re.compile(r"^\s+output:(\d+)$")
_SET = re.compile(r"^\s+set_field:([^ ]+)->(tun_\w+|eth_dst)$")
_MOVED = re.compile(r"^\s+-> NXM_OF_ETH_DST\[0\.\.22\] is now (\w+)$")
_COOKIE = re.compile(r"cookie (0x[0-9a-f]+)")
_SENT = "Datapath actions: "
_ADDRESSES = {"eth_src": "dl_src", "eth_dst": "dl_dst"}


class Fate(NamedTuple):
    """What becomes of a packet."""

    reaches: frozenset
    """The numbers of the ports that it leaves by."""
    answered: bool
    """Whether something goes back to its sender."""
    reason: str
    """Why it is dropped; empty if it is not."""
    leaves_as: dict
    """The fields of what leaves, by the switch's names."""
    sent: str
    """What the datapath does in the end, in the switch's words."""


class TracedBridge:
    """A bridge whose flows are what the driver was told, and whose packets are traced."""

    def __init__(self, ovs):
        self.ovs = ovs
        self._runner = asyncio.Runner()
        self._reasons = {}
        self._switch = self._runner.run(self._connected())
        self._runner.run(self._switch.limit(list(Handler)))
        pid = (ovs.directory / "ovs-vswitchd.pid").read_text().strip()
        self._control = str(ovs.directory / f"ovs-vswitchd.{pid}.ctl")

    async def _connected(self):
        connected = asyncio.get_running_loop().create_future()
        self._server = await listen(("127.0.0.1", 0), connected.set_result)
        port = self._server.sockets[0].getsockname()[1]
        await asyncio.to_thread(self.ovs.connect, f"tcp:127.0.0.1:{port}")
        return await asyncio.wait_for(connected, 10)

    def close(self):
        self._runner.run(self._disconnected())
        self._runner.close()

    async def _disconnected(self):
        gone = asyncio.get_running_loop().create_future()
        self._switch.on_closed = gone.set_result
        self._server.close()
        self._switch.close("the test is over")
        await gone

    def load(self, flows):
        """Make these the bridge's flows; all of them must be taken."""
        ports = {port.number for port in self._switch.ports.values()}
        written = self._runner.run(self._switch.reconcile(flows, sweep=True, ports=ports))
        assert not written.refused
        self._reasons = {
            cookie_of(flow): flow.actions[0].reason
            for flow in flows
            if isinstance(flow.actions[0], Drop)
        }
        return written

    def trace(self, **packet):
        """The fate of a packet, described in the words of ovs-fields(7)."""
        text = self._ask("ofproto/trace", "br0", _described(packet))
        lines = text.splitlines()
        done = [
            line
            for line, after in zip(lines, [*lines[1:], ""], strict=True)
            if "skipping output" not in after
        ]
        reaches = {int(found.group(1)) for line in done if (found := _OUTPUT.match(line))}
        reaches |= {LOCAL for line in done if line.strip() == "LOCAL"}
        cookies = [int(cookie, 16) for cookie in _COOKIE.findall(text)]
        answered = any(line.strip() == "IN_PORT" for line in lines)
        sent = next(line for line in lines if line.startswith(_SENT)).removeprefix(_SENT)
        reason = self._reasons.get(cookies[-1], "")
        return Fate(frozenset(reaches), answered, reason, _final(lines), sent)

    def copies(self, **packet):
        """Each copy of a packet that leaves: the port, and what was written to it, in order."""
        written, left = {}, []
        for line in self._ask("ofproto/trace", "br0", _described(packet)).splitlines():
            if found := _SET.match(line):
                written[found.group(2)] = found.group(1)
            elif found := _MOVED.match(line):
                written["moved"] = found.group(1)
            elif line.strip() == "LOCAL":
                left.append((LOCAL, dict(written)))
            elif found := _OUTPUT.match(line):
                left.append((int(found.group(1)), dict(written)))
            elif "skipping output" in line:
                left.pop()
        return left

    def _ask(self, method, *parameters):
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(self._control)
            request = {"id": 0, "method": method, "params": parameters}
            asked.sendall(json.dumps(request).encode())
            answer = b""
            while True:
                answer += asked.recv(65536)
                try:
                    reply = json.loads(answer)
                except ValueError:
                    continue
                assert not reply["error"], reply["error"]
                return reply["result"]


def _described(packet):
    words = (f"{name}={value}" if value is not None else name for name, value in packet.items())
    return ",".join(words)


def _final(lines):
    final = next(line for line in lines if line.startswith(("Final flow: ", "Flow: ")))
    for line in lines:
        if line.startswith("Final flow: ") and "unchanged" not in line:
            final = line
    return dict(word.split("=", 1) for word in final.split(": ", 1)[1].split(",") if "=" in word)
