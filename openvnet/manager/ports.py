"""Interface ports: by which switch port, and on which datapath, an interface is found.

A name that is the empty text is none, as forms send it: no switch port has it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from openvnet.manager.errors import InvalidArgument
from openvnet.manager.names import allotted_uuid
from openvnet.model import Interface, InterfacePort
from openvnet.store.transaction import Transaction


def port_rows(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[InterfacePort]:
    """The row of a new port of an interface."""
    given = dict(values)
    interface = transaction.get(Interface, given["interface_uuid"])
    if interface is not None and interface.parent_interface_uuid is not None:
        raise InvalidArgument(
            f"interface_uuid {interface.uuid} is a VLAN of interface "
            f"{interface.parent_interface_uuid}, and behind the port of that."
        )
    given.setdefault("uuid", allotted_uuid(transaction, InterfacePort))
    given["port_name"] = given.get("port_name") or None
    yield InterfacePort(**{**given, "singular": singular(given)})


def singular(given: Mapping[str, Any]) -> bool | None:
    """Whether the port is active on one datapath at a time: yes if a datapath is given."""
    said = given.get("singular")
    if said is False and given.get("datapath_uuid"):
        raise InvalidArgument("singular must be true, or not given, if datapath_uuid is given.")
    return True if said or given.get("datapath_uuid") else None


def first_port(transaction: Transaction, values: Mapping[str, Any]) -> Iterator[InterfacePort]:
    """The port that each interface has from its creation."""
    datapath_uuid, port_name = values.get("owner_datapath_uuid"), values.get("port_name") or None
    yield InterfacePort(
        uuid=allotted_uuid(transaction, InterfacePort),
        interface_uuid=values["uuid"],
        datapath_uuid=datapath_uuid,
        port_name=port_name,
        singular=True if datapath_uuid or port_name else None,
    )


def moved_port(
    transaction: Transaction, interface_uuid: str, datapath_uuid: str | None
) -> Iterator[InterfacePort]:
    """An interface's port on another datapath."""
    ports = transaction.where(InterfacePort, interface_uuid=interface_uuid)
    if len(ports) > 1:
        raise InvalidArgument(
            f"owner_datapath_uuid cannot be changed: interface {interface_uuid} has {len(ports)} "
            f"ports; delete and add them under interfaces/{interface_uuid}/ports."
        )
    if not ports:
        yield from first_port(
            transaction, {"uuid": interface_uuid, "owner_datapath_uuid": datapath_uuid}
        )
    for port in ports:
        yield InterfacePort(
            uuid=port.uuid,
            interface_uuid=interface_uuid,
            datapath_uuid=datapath_uuid,
            port_name=port.port_name,
            singular=True if datapath_uuid or port.port_name else None,
        )
