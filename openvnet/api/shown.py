"""What answers show beside the attributes of a resource: what belongs to it, and how it fares.

vnmgr adds these; here they are described, for the reference page and OpenAPI.
"""

from collections.abc import Mapping

from openvnet.model import RESOURCES
from openvnet.model.operations import parts

_MORE: Mapping[str, Mapping[str, str]] = {
    "interfaces": {
        "mac_leases": "List: its MAC leases, each with its `ip_leases`.",
        "mac_address": "The first of its MAC addresses, or null.",
        "network_uuid": "The network of the first of its IP leases, or null.",
        "ipv4_address": "The address of the first of its IP leases, or null.",
        "ip_leases": "List: its IP leases.",
        "status": "List: how it fares on each host that has it; only when it is read.",
    },
    "networks": {
        "effective_mtu": "The largest IPv4 packet, in octets, that passes: `mtu`, or what follows "
        "from how hosts carry it; only when it is read.",
        "mtu_from": "Where that comes from, in words; only when it is read.",
    },
    "segments": {
        "effective_mtu": "The largest IPv4 packet, in octets, that passes, as follows from how "
        "hosts carry it; only when it is read.",
        "mtu_from": "Where that comes from, in words; only when it is read.",
    },
    "mac_leases": {"ip_leases": "List: the IP leases that go with it."},
}

SHOWN: Mapping[str, Mapping[str, str]] = {
    resource.collection: {
        **{part.in_paths: f"List: each {part.singular} of it." for part in parts(resource)},
        **_MORE.get(resource.collection, {}),
    }
    for resource in RESOURCES
}
"""By collection and name, in words."""

STATUS: Mapping[str, str] = {
    "node_id": "The host's node id; null if no host has the interface.",
    "datapath_uuid": "The host's datapath.",
    "up": "Whether packets can pass. (Not in lists, unless no host has the interface.)",
    "why": "Why it is not up, in words.",
    "port_name": "The switch port that it is behind.",
    "port_number": "That port's OpenFlow number.",
    "realised": "The number of the newest revision that is in the switch.",
    "packets_in": "Packets from the guest.",
    "packets_out": "Packets to the guest.",
    "drops": "Packets from the guest that were dropped, by reason.",
}
"""An entry of an interface's `status`, by name, in words."""

NODE: Mapping[str, str] = {
    "dpid": "The datapath id of its switch; null while none is connected.",
    "datapath_uuid": "The datapath that declares that switch.",
    "version": "Of its vna.",
    "state": "`in sync`, or what it waits for; of one that is not there, why.",
    "drift": "Flows that others had changed, and that were put right.",
    "sent": "The number of the newest revision that was sent to it.",
    "realised": "The number of the newest revision that is in its switch.",
    "lag": "How many revisions lie between.",
    "seconds_behind": "For how long it has been owing an acknowledgement.",
    "failures": "List: what it could not realise, in words.",
    "address": "Where it is; null by a socket of vnmgr's own machine.",
    "since": "Since when it is connected.",
    "clock_ahead": "By how many seconds its clock is ahead of vnmgr's.",
    "vnmgr": "The vnmgr that it is connected to; null: the one that answers.",
    "refused": "Why a program that says it is this node is refused, in words.",
    "twin": "Which other host is this node, too, or has its datapath id, by another vnmgr.",
    "alive": "Whether it is connected to a vnmgr; of a webapi nobody knows.",
    "role": "`vna` or `webapi`.",
    "uuid": "Its uuid, if it is declared; a program of vnmgr's own machine need not be.",
}
"""A host in the answer of `/nodes`, by name, in words."""
