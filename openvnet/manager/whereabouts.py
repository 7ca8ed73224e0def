"""Where interfaces are whose ports do not say it: rows that follow from what the agents report.

    agent ──Present──► Whereabouts ──differs from the rows──► ActiveInterface, one for an interface

Of two hosts that have an interface (while a guest moves, both do), it is on the one where the guest
was heard last; until it is heard, on the one that had it first. What a host has said is forgotten
when its agent dies; the rows stay, since the guest did not die with it. An agent that comes (back)
says all, and when it came to be so is not known: so it takes an interface only from hosts that are
not live, or that have it no more.
"""

from collections.abc import Collection, Mapping

from openvnet.manager.names import allotted_uuid
from openvnet.model import ActiveInterface, Datapath, Interface, InterfacePort
from openvnet.model.rows import Rows
from openvnet.store.transaction import Transaction
from openvnet.wire.messages import Present

Place = tuple[str, str]
"""A datapath's uuid and the name of a port."""


class Whereabouts:
    """What the live agents have said; of each interface, the latest word last."""

    def __init__(self) -> None:
        self._said: dict[str, dict[str, str]] = {}
        """The name of the port, by the interface and the dpid."""
        self._known: dict[str, set[str]] = {}
        """The interfaces that an agent has said to be there, by its dpid."""

    def hear(self, dpid: str, said: Present, rows: Rows) -> dict[str, Place | None]:
        """Take what an agent says; return where interfaces are of which the rows say otherwise."""
        here = _datapath_uuid(dpid, rows)
        if here is None:
            return {}
        gone = set(said.remove)
        if said.all:
            active = rows.where(ActiveInterface, datapath_uuid=here)
            gone = {row.interface_uuid for row in active} | self._known.get(dpid, set())
            gone -= {one.interface_uuid for one in said.put}
        for interface_uuid in gone:
            self._forget(interface_uuid, dpid)
        for one in said.put:
            self._note(one.interface_uuid, dpid, one.port_name, last=one.speaks)
        return self._misplaced({*gone, *(one.interface_uuid for one in said.put)}, here, rows)

    def gone(self, dpid: str, rows: Rows) -> dict[str, Place | None]:
        """Forget what an agent said that is no longer live; what others have said counts."""
        here, interfaces = _datapath_uuid(dpid, rows), self._known.pop(dpid, set())
        for interface_uuid in interfaces:
            self._forget(interface_uuid, dpid)
        elsewhere = {uuid for uuid in interfaces if uuid in self._said}
        return self._misplaced(elsewhere, here, rows)

    def _misplaced(
        self, interfaces: Collection[str], here: str | None, rows: Rows
    ) -> dict[str, Place | None]:
        """Where interfaces are of which the rows say otherwise; None: no more `here`."""
        places: dict[str, Place | None] = {}
        for interface_uuid in sorted(interfaces):
            place, row = self._place(interface_uuid, rows), _active(interface_uuid, rows)
            if place is None:
                if row is not None and row.datapath_uuid == here:
                    places[interface_uuid] = None
            elif row is None or place != (row.datapath_uuid, row.port_name):
                places[interface_uuid] = place
        return places

    def _note(self, interface_uuid: str, dpid: str, port_name: str, *, last: bool) -> None:
        """Take it for the latest word (`last`), else for the earliest if it is new."""
        said = self._said.setdefault(interface_uuid, {})
        if last:
            said.pop(dpid, None)
        elif dpid not in said:
            self._said[interface_uuid] = said = {dpid: port_name, **said}
        said[dpid] = port_name
        self._known.setdefault(dpid, set()).add(interface_uuid)

    def _forget(self, interface_uuid: str, dpid: str) -> None:
        said = self._said.get(interface_uuid, {})
        said.pop(dpid, None)
        if not said:
            self._said.pop(interface_uuid, None)
        self._known.get(dpid, set()).discard(interface_uuid)

    def _place(self, interface_uuid: str, rows: Rows) -> Place | None:
        """Where an interface is: with whoever said so last, and may."""
        interface = rows.get(Interface, interface_uuid)
        if interface is None:
            return None
        behind = interface.parent_interface_uuid or interface_uuid
        ports = rows.where(InterfacePort, interface_uuid=behind)
        allowed = {port.datapath_uuid for port in ports}
        for dpid, port_name in reversed(self._said.get(interface_uuid, {}).items()):
            datapath_uuid = _datapath_uuid(dpid, rows)
            if datapath_uuid and allowed & {None, datapath_uuid}:
                return datapath_uuid, port_name
        return None


def _datapath_uuid(dpid: str, rows: Rows) -> str | None:
    return next((row.uuid for row in rows.where(Datapath, dpid=dpid)), None)


def _active(interface_uuid: str, rows: Rows) -> ActiveInterface | None:
    return next(iter(rows.where(ActiveInterface, interface_uuid=interface_uuid)), None)


def place_interfaces(transaction: Transaction, places: Mapping[str, Place | None]) -> None:
    """Write where interfaces are."""
    for interface_uuid, place in places.items():
        row = _active(interface_uuid, transaction)
        if place is None:
            if row is not None:
                transaction.delete(row)
        elif transaction.get(Interface, interface_uuid) is not None:
            datapath_uuid, port_name = place
            uuid = row.uuid if row else allotted_uuid(transaction, ActiveInterface)
            transaction.put(
                ActiveInterface(
                    uuid=uuid,
                    interface_uuid=interface_uuid,
                    datapath_uuid=datapath_uuid,
                    port_name=port_name,
                )
            )
