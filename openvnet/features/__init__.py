"""What the network does: pure generators of flows, one module each, in strata.

A feature of one stratum may read the rows that features of earlier strata yield. `STRATA` is all
that the agent compiles; a new feature is a new module and one line here.
"""

from collections.abc import Callable, Mapping

from openvnet.compiler import Feature
from openvnet.features import (
    allowed,
    announcing,
    arp,
    attachment,
    defaults,
    flooding,
    host,
    interest,
    internal,
    learning,
    moving,
    path_mtu,
    peers,
    physical,
    promiscuous,
    security,
    switching,
    underlay,
)
from openvnet.model.host import Attachment, PromiscuousPort
from openvnet.pipeline.handlers import Arrival, Handler
from openvnet.state import View

STRATA: tuple[tuple[Feature, ...], ...] = (
    attachment.PORTS,
    attachment.INTERFACES,
    (*peers.CARRIERS, *physical.LANS, *attachment.OF_HOST),
    (*attachment.LEASES, *allowed.ALLOWANCES, *peers.PEERS),
    peers.HEARERS,
    (
        *interest.FEATURES,
        *defaults.FEATURES,
        *host.FEATURES,
        *security.FEATURES,
        *allowed.FEATURES,
        *arp.FEATURES,
        *switching.FEATURES,
        *flooding.FEATURES,
        *peers.FEATURES,
        *path_mtu.FEATURES,
        *underlay.FEATURES,
        *physical.FEATURES,
        *announcing.FEATURES,
        *promiscuous.FEATURES,
        *learning.FEATURES,
        *internal.FEATURES,
        *moving.FEATURES,
    ),
)

Answer = Callable[[Arrival, Attachment | PromiscuousPort, View], bytes | None]
"""What the agent sends back for a packet that a flow handed to it, behind the port by which an
interface, or a machine on a LAN, sent it; None for nothing. Pure; it raises nothing."""

ANSWERS: Mapping[Handler, Answer] = {Handler.TOO_BIG: path_mtu.answer}
"""All that is answered; a new handler is a line of `pipeline.handlers` and one here. What only
tells the agent something has none (`agent.answering`)."""
