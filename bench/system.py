"""The whole system for figures: a private Open vSwitch, and vnmgr, webapi and vna as processes."""

import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from openvnet.client import Client
from openvnet.model import Row
from openvnet.store.database import Write, opened
from openvnet.store.transaction import Transaction
from tests.api.processes import Process, process, vnmgr, webapi
from tests.openvswitch import OpenVSwitch, open_vswitch


@dataclass(frozen=True)
class System:
    """A running system."""

    directory: Path
    ovs: OpenVSwitch
    client: Client
    controller: int
    """The TCP port at which the switch looks for vna."""

    def vna(self, module: str = "openvnet.agent.main", *more: str) -> Process:
        """Start a vna; it has said that it listens when this returns."""
        words = ("--run", f"{self.directory}", "--state", f"{self.directory}", *more)
        listening = ("--listen", f"127.0.0.1:{self.controller}")
        database = ("--ovsdb", f"unix:{self.ovs.directory}/db.sock")
        return Process(module, *words, *listening, *database)


@contextmanager
def system(rows: Iterable[Row]) -> Iterator[System]:
    """A system whose store holds these rows, with a switch, but without vna."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, open_vswitch() as ovs:
        directory = Path(name)
        _fill(directory / "state", rows)
        controller = _free_port()
        ovs.connect(f"tcp:127.0.0.1:{controller}")
        with vnmgr(directory), webapi(directory), Client(f"unix:{name}/webapi.sock") as client:
            yield System(directory, ovs, client, controller)


def _fill(state: Path, rows: Iterable[Row]) -> None:
    state.mkdir()
    store = opened(f"sqlite:///{state}/openvnet.sqlite")

    def work(transaction: Transaction) -> None:
        for row in rows:
            transaction.put(row)

    (outcome,) = store.commit([Write(work)])
    store.close()
    if isinstance(outcome, Exception):
        raise outcome


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_vna(made: System) -> Iterator[Process]:
    """A vna that has connected to the switch and to vnmgr, and is in sync."""
    with process_of(made.vna()) as agent:
        agent.says("in sync")
        yield agent


@contextmanager
def process_of(running: Process) -> Iterator[Process]:
    """A process until the end of the block."""
    try:
        yield running
    finally:
        running.end()


__all__ = ["System", "process", "process_of", "running_vna", "system"]
