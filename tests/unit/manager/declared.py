"""A vnmgr's store and memory without sockets, to which documents are applied; and random ones."""

import asyncio
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st

from openvnet.api.documents import wanted
from openvnet.manager.applying import in_memory, is_so
from openvnet.manager.exporting import exported
from openvnet.manager.guarded import Rehearsed, done
from openvnet.manager.replica import Replica
from openvnet.manager.requests import result
from openvnet.store.database import Committed, Write, opened
from openvnet.wire.messages import Request
from tests.databases import sqlite


class World:
    """An empty database, until documents are applied."""

    def __init__(self):
        self._directory = TemporaryDirectory(prefix="openvnet-")
        self.store = opened(sqlite(Path(self._directory.name) / "vnet.sqlite"))
        self.replica = Replica(self.store)

    def close(self):
        self.store.close()
        self._directory.cleanup()

    def apply(self, document, *, memory=True, dry_run=False, **values):
        """Bring it about; return the changes, or raise what it was refused with."""
        trees = asyncio.run(wanted(document))
        request = Request(0, "apply", wanted=trees, values=values, dry_run=dry_run)
        return self.write(request, memory)

    def write(self, request, memory=True):
        work = partial(done, request=request, now=1, result=result)
        if memory:
            work = partial(in_memory, work=work, replica=self.replica)
        (outcome,) = self.store.commit([Write(work)])
        if isinstance(outcome, Rehearsed):
            return outcome.done.answer
        if not isinstance(outcome, Committed):
            raise outcome
        if outcome.changes:
            self.replica.apply(outcome.changes, outcome.number)
        return outcome.changes

    def create(self, collection, parent=None, **values):
        return self.write(Request(0, "create", collection, parent=parent, values=values))

    def export(self, *of, whole=False):
        return asyncio.run(exported(self.replica, of, whole=whole))

    def is_so(self, document):
        async def looked():
            return await is_so(self.replica, await wanted(document))

        return asyncio.run(looked())

    def rows(self):
        """What is in the database, and then in memory."""
        kept = {row.uuid: row for row, _ in self.store.rows()}
        here = {
            uuid: row for rows in self.replica.state.rows.values() for uuid, row in rows.items()
        }
        return kept, here


def mac(number):
    return f"02:00:00:00:00:{number:02x}"


def some(draw, of):
    """Some of the names, in any order."""
    return draw(st.lists(st.sampled_from(sorted(of)), unique=True)) if of else []


def maybe(draw, **values):
    """Some of the values."""
    return {name: value for name, value in values.items() if draw(st.booleans())}


@st.composite
def documents(draw):
    """A document of all resources, few of each, so that two of them have much in common."""
    whole = {
        "datapaths": {
            f"dp-{n}": {"display_name": draw(st.sampled_from("ab")), "dpid": f"{n}", "node_id": "v"}
            for n in (1, 2)
        },
        "segments": {"seg-1": {"mode": draw(st.sampled_from(["virtual", "physical"]))}},
        "networks": {
            f"nw-{n}": {
                "ipv4_network": "10.0.0.0",
                **maybe(draw, ipv4_prefix=16, display_name="", domain_name="x", mode="physical"),
                **maybe(draw, segment_uuid="seg-1"),
            }
            for n in (1, 2)
        },
        "ip_range_groups": {
            "iprg-1": {
                "ip_ranges": {
                    "ipr-1": {
                        "begin_ipv4_address": "10.0.0.10",
                        "end_ipv4_address": draw(st.sampled_from(["10.0.0.13", "10.0.0.14"])),
                    }
                }
            }
        },
        "mac_range_groups": {
            "mrg-1": {
                "allocation_type": draw(st.sampled_from(["random", "incremental"])),
                "mac_ranges": [{"begin_mac_address": mac(0x80), "end_mac_address": mac(0x90)}],
            }
        },
        "ip_lease_containers": {"ilc-1": {}},
        "ip_retention_containers": {"irc-1": maybe(draw, lease_time=60, grace_time=5)},
        "route_links": {"rl-1": maybe(draw, mac_address=mac(0x70))},
        "lease_policies": {"lp-1": _policy(draw)},
    }
    whole["interfaces"] = {
        f"if-{n}": _interface(draw, n) for n in draw(st.sets(st.integers(1, 3), min_size=1))
    }
    whole["interfaces"]["if-9"] = _host()
    interfaces = sorted(whole["interfaces"])
    whole |= _on_interfaces(draw, interfaces)
    whole["lease_policies"]["lp-1"]["interfaces"] = _with_leases(draw, whole["interfaces"])
    whole["topologies"] = _topologies(draw)
    for uuid in ("dp-1", "dp-2"):
        carried = {"interface_uuid": "if-9", **maybe(draw, mac_address=mac(0x60 + int(uuid[-1])))}
        whole["datapaths"][uuid]["networks"] = dict.fromkeys(some(draw, ["nw-1"]), carried)
    leases = [lease for each in whole["interfaces"].values() for lease in _leases(each)]
    whole["ip_lease_containers"]["ilc-1"]["ip_leases"] = some(draw, leases)
    whole["ip_retention_containers"]["irc-1"]["ip_retentions"] = [
        {"ip_lease_uuid": uuid} for uuid in some(draw, leases)
    ]
    return whole


def _policy(draw):
    containers = {uuid: maybe(draw, label="a") for uuid in some(draw, ["ilc-1"])}
    return {
        "timing": "immediate",
        "networks": {"nw-1": {"ip_range_group_uuid": "iprg-1"}},
        "ip_lease_containers": containers,
        "ip_retention_containers": some(draw, ["irc-1"]),
    }


def _interface(draw, number):
    leases = {}
    for index in some(draw, [0, 1]):
        addresses = some(draw, range(4))
        first = 10 + 16 * (number - 1) + 8 * index  # Both networks may be in one segment.
        leases[f"ml-{number}{index}"] = {
            "mac_address": mac(0x10 * number + index),
            **maybe(draw, segment_uuid="seg-1"),
            "ip_leases": {
                f"il-{number}{index}{place}": {
                    "network_uuid": f"nw-{1 + index}",
                    "ipv4_address": f"10.0.0.{first + place}",
                    **maybe(draw, enable_routing=True),
                }
                for place in addresses
            },
        }
    return {
        "mode": draw(st.sampled_from(["vif", "vif", "simulated"])),
        **maybe(draw, display_name="x", enable_filtering=True, enabled=False),
        "mac_leases": leases,
        "ports": [
            {"port_name": f"vm{number}{name}", **maybe(draw, singular=draw(st.booleans()))}
            for name in some(draw, "ab")
        ],
        "networks": some(draw, ["nw-1", "nw-2"]),
        "allowed_address_pairs": [
            {"network_uuid": "nw-1", "ipv4_address": address, **maybe(draw, mac_address=mac(1))}
            for address in some(draw, ["10.0.0.99", "10.0.1.0/24"])
        ],
    }


def _host():
    lease = {"il-900": {"network_uuid": "nw-2", "ipv4_address": "10.0.0.200"}}
    leases = {"ml-90": {"mac_address": mac(0x50), "ip_leases": lease}}
    return {"mode": "host", "ports": [{"port_name": "eth0"}], "mac_leases": leases}


def _on_interfaces(draw, interfaces):
    rules = [
        {"protocol": "tcp", "action": "pass", "dst_port": 80},
        {"protocol": "icmp", "action": "drop", "src_address": "10.0.0.0/8"},
        {"protocol": "tcp", "action": "conn"},
    ]
    addresses = [
        {"ingress_ipv4_address": "1.1.1.1", "egress_ipv4_address": "10.0.0.5"},
        {
            **{"ingress_ipv4_address": "1.1.1.2", "egress_ipv4_address": "10.0.0.6"},
            **{"ingress_port_number": 80, "egress_port_number": 8080, "route_link_uuid": "rl-1"},
        },
    ]
    on = {"interface_uuid": draw(st.sampled_from(interfaces))}
    records = {
        f"dnsr-{n}": {"name": "www.x", "ipv4_address": f"10.0.0.{n}", **maybe(draw, ttl=5)}
        for n in some(draw, [1, 2])
    }
    return {
        "routes": {
            "r-1": {
                **on,
                **{"route_link_uuid": "rl-1", "network_uuid": "nw-1", "ipv4_network": "0.0.0.0"},
                **{"ipv4_prefix": 0, **maybe(draw, ingress=False)},
            }
        },
        "translations": {
            "tr-1": {
                **{"mode": "static_address", **on},
                "static_address": [each for each in addresses if draw(st.booleans())],
            }
        },
        "network_services": {"ns-1": {"mode": "dns", **on, **maybe(draw, incoming_port=53)}},
        "dns_services": {
            "dnss-1": {
                "network_service_uuid": "ns-1",
                "dns_records": records,
                **maybe(draw, public_dns="8.8.8.8"),
            }
        },
        "filters": {
            "fil-1": {
                **{"mode": "static", **on, **maybe(draw, ingress_passthrough=True)},
                "static": [each for each in rules if draw(st.booleans())],
            }
        },
    }


def _with_leases(draw, interfaces):
    """Interfaces of a lease policy: it gives addresses to who has a MAC lease."""
    able = [uuid for uuid, each in interfaces.items() if each["mac_leases"] and uuid != "if-9"]
    return some(draw, able)


def _leases(interface):
    return [uuid for lease in interface["mac_leases"].values() for uuid in lease["ip_leases"]]


def _topologies(draw):
    return {
        "topo-1": {
            "mode": "simple_underlay",
            "datapaths": {uuid: {"interface_uuid": "if-9"} for uuid in some(draw, ["dp-1"])},
            "mac_range_groups": some(draw, ["mrg-1"]),
        },
        "topo-2": {
            "mode": "simple_overlay",
            "networks": some(draw, ["nw-1", "nw-2"]),
            "segments": some(draw, ["seg-1"]),
            "route_links": some(draw, ["rl-1"]),
            "underlays": some(draw, ["topo-1"]),
        },
    }
