"""What the network does: pure generators of flows, one module each, in strata.

A feature of one stratum may read the rows that features of earlier strata yield. `STRATA` is all
that the agent compiles; a new feature is a new module and one line here.
"""

from openvnet.compiler import Feature
from openvnet.features import (
    allowed,
    arp,
    attachment,
    defaults,
    flooding,
    host,
    interest,
    peers,
    physical,
    promiscuous,
    security,
    switching,
    underlay,
)

STRATA: tuple[tuple[Feature, ...], ...] = (
    attachment.PORTS,
    attachment.INTERFACES,
    (*peers.CARRIERS, *physical.LANS),
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
        *underlay.FEATURES,
        *physical.FEATURES,
        *promiscuous.FEATURES,
    ),
)
