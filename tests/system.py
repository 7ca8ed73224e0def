"""The whole system on a private Open vSwitch: our processes, but no guests."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from openvnet.client import Client
from openvnet.model import Row
from openvnet.store.database import Write, opened
from openvnet.store.transaction import Transaction
from tests.api.processes import Process, vnmgr, webapi
from tests.databases import database_of
from tests.openvswitch import OpenVSwitch, open_vswitch
from tests.ports import free_port


class System:
    """A running system; whoever starts a vna also ends it."""

    def __init__(self, directory: Path, ovs: OpenVSwitch) -> None:
        self.directory, self.ovs = directory, ovs
        self.controller = free_port()
        """The TCP port at which the switch looks for vna."""
        self.agents: list[Process] = []
        ovs.connect(f"tcp:127.0.0.1:{self.controller}")
        self.start_vnmgr()
        self._webapi = ExitStack()
        self._webapi.enter_context(webapi(directory))
        self.client = self._webapi.enter_context(Client(f"unix:{directory}/webapi.sock"))

    def start_vnmgr(self) -> None:
        """Start vnmgr; it serves when this returns."""
        self._vnmgr = ExitStack()
        self.manager = self._vnmgr.enter_context(vnmgr(self.directory))

    def kill_vnmgr(self) -> None:
        """End vnmgr as a crash does."""
        self.manager.running.kill()
        self._vnmgr.close()

    def vna(self, module: str = "openvnet.agent.main", *more: str) -> Process:
        """Start a vna."""
        places = (f"--{name}={self.directory}" for name in ("run", "state", "config"))
        words = (*places, *more)
        listening = ("--listen", f"127.0.0.1:{self.controller}")
        database = ("--ovsdb", f"unix:{self.ovs.directory}/db.sock")
        return Process(module, *words, *listening, *database)

    def close(self) -> None:
        """End vnmgr and webapi."""
        self._webapi.close()
        self._vnmgr.close()


@contextmanager
def system(rows: Iterable[Row]) -> Iterator[System]:
    """A system whose store holds these rows, with a switch, but without vna."""
    with tempfile.TemporaryDirectory(prefix="openvnet-") as name, open_vswitch() as ovs:
        _fill(Path(name) / "state", rows)
        made = System(Path(name), ovs)
        try:
            yield made
        finally:
            made.close()


def _fill(state: Path, rows: Iterable[Row]) -> None:
    state.mkdir()
    store = opened(database_of(state))

    def work(transaction: Transaction) -> None:
        for row in rows:
            transaction.put(row)

    (outcome,) = store.commit([Write(work)])
    store.close()
    if isinstance(outcome, Exception):
        raise outcome


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
