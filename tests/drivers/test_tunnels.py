"""Tunnel ports in a real Open vSwitch: made when a host needs them, known again, removed."""

import json

import pytest

from openvnet.lab.waiting import until
from openvnet.model import KINDS
from tests.system import process_of, running_vna, system
from tests.worlds import hosts_world

pytestmark = pytest.mark.ovs


def rows(**of):
    return [row for row in hosts_world(**of).values() if type(row) in KINDS.values()]


@pytest.fixture
def made():
    """The first of three hosts, of which each wants to receive in its own way."""
    with system(rows(encapsulations=("geneve", "vxlan", "geneve"))) as made:
        for name in ("eth0", "vm1", "vm2"):
            made.ovs.plug(name)
        yield made


def ports(made):
    """The bridge's ports with the names of tunnels', and what is to be known of each."""
    columns = "--columns=name,type,options,external_ids,ofport"
    listed = made.ovs.vsctl("--format=json", columns, "list", "interface")
    return {
        name: (kind, dict(options), dict(ids), number)
        for name, kind, (_, options), (_, ids), number in json.loads(listed)["data"]
        if name.startswith("vnet-")
    }


def peers(made):
    """The flows that send to other hosts."""
    return [flow for flow in made.ovs.dump("--names") if "->tun_dst" in flow]


def failures(made):
    return made.client.get("/nodes").body["vna"]["failures"]


def carry_no_more(made):
    for host, network in ((1, 1), (1, 2)):
        made.client.write("DELETE", f"/datapaths/dp-{host}/networks/nw-{network}", wait=5)


def test_a_host_has_the_tunnel_ports_that_it_needs_and_no_others_ever(made):
    with running_vna(made) as agent:
        until(lambda: len(peers(made)) == 4, "there is a way to each host, for each network")
        flow = {"remote_ip": "flow", "local_ip": "flow", "key": "flow"}
        ours = {"openvnet-tunnel": "0000aaaaaaaaaaaa"}
        before = ports(made)
        assert {name: port[:3] for name, port in before.items()} == {
            "vnet-geneve": ("geneve", flow, ours),
            "vnet-vxlan": ("vxlan", flow, ours),
        }
        assert failures(made) == []
        made.client.write("PUT", "/datapaths/dp-2/networks/nw-1", {"encapsulation": "gre"}, wait=5)
        until(lambda: "vnet-gre" in ports(made) and len(peers(made)) == 4, "by gre, too")
        agent.running.kill()
    flows = sorted(made.ovs.dump())
    made.kill_vnmgr()
    with process_of(made.vna()) as agent:
        agent.says("the switch has all that is known")
        assert sorted(made.ovs.dump()) == flows
        made.start_vnmgr()
        agent.says("in sync")
        assert sorted(made.ovs.dump()) == flows
        assert set(ports(made)) == {"vnet-geneve", "vnet-gre", "vnet-vxlan"}
        assert {name: ports(made)[name] for name in before} == before
        carry_no_more(made)
        until(lambda: ports(made) == {}, "no tunnel is needed")
        until(lambda: peers(made) == [], "no flow sends to another host")


def test_a_port_that_is_not_ours_is_left_alone_and_it_is_said(made):
    made.ovs.plug("vnet-geneve")
    other = ports(made)
    with running_vna(made):
        until(lambda: "vnet-vxlan" in ports(made), "the other tunnels are made")
        until(lambda: failures(made), "it is said")
        assert failures(made) == [
            "vna: datapath dp-1: tunnel port vnet-geneve: a port of this name is there that "
            "OpenVNet did not make; rename or remove it"
        ]
        until(lambda: len(peers(made)) == 2, "only vxlan works")
        carry_no_more(made)
        until(lambda: ports(made) == other, "only ours are removed")


def test_a_tunnel_port_that_somebody_removed_or_changed_is_as_it_must_be_again(made):
    with running_vna(made):
        until(lambda: len(peers(made)) == 4, "there is a way to each host")
        whole = {name: port[:3] for name, port in ports(made).items()}
        made.ovs.vsctl("del-port", "br0", "vnet-geneve")
        until(lambda: "vnet-geneve" in ports(made), "it is made again")
        made.ovs.vsctl("set", "interface", "vnet-vxlan", "options={remote_ip=10.0.0.9}")
        until(lambda: len(peers(made)) == 4, "there is a way to each host again")
        until(lambda: whole == {n: p[:3] for n, p in ports(made).items()}, "they are as before")
