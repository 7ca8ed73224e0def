"""Switching: a packet for a known MAC goes to the port behind which it is, any other to nobody."""

from collections.abc import Iterator

from openvnet.model.host import Attachment, Holding
from openvnet.pipeline.fields import Registers, eth_dst, in_port
from openvnet.pipeline.flow import Drop, Flow, Output, match
from openvnet.pipeline.tables import Table
from openvnet.state import View


def unicast_flows(held: Holding, _: View) -> Iterator[Flow]:
    """The way to a holder's MAC in the network of its lease."""
    if held.port is not None:
        to_holder = match(eth_dst(held.mac_address), Registers.network(held.vni))
        yield Flow(Table.L2_LOOKUP, 100, to_holder, (Output(held.port),))


def unknown_flows(attachment: Attachment, _: View) -> Iterator[Flow]:
    """What an interface sends to nobody that its network knows."""
    unknown = match(in_port(attachment.number))
    yield Flow(Table.L2_LOOKUP, 1, unknown, (Drop("unknown destination"),))


FEATURES = ((Holding, unicast_flows), (Attachment, unknown_flows))
