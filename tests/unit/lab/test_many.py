import itertools
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvnet.lab.environment import declarations
from openvnet.lab.errors import LabError
from openvnet.lab.many import MOST_GUESTS, MOST_HOSTS, many_hosts

SIZES = st.tuples(st.integers(1, MOST_HOSTS), st.integers(0, 4)).filter(
    lambda size: size[0] * size[1] <= MOST_GUESTS
)


@given(SIZES)
def test_nothing_is_there_twice(size):
    environment = many_hosts(*size)
    places = environment.places
    macs = [
        word
        for words in declarations(environment)
        for option, word in itertools.pairwise(words)
        if option == "--mac-address"
    ]

    assert len(set(places)) == len(places)
    assert len(set(macs)) == len(macs)
    assert all(len(host.dpid) == 16 for host in environment.hosts)
    for network in environment.networks:
        members = [g.ipv4_address for g in environment.guests if g.network == network.name]
        assert len(set(members)) == len(members)
        subnet = ip_network(f"{network.ipv4_network}/{network.ipv4_prefix}")
        assert all(ip_address(member) in subnet for member in members)


@given(SIZES)
def test_hosts_are_spread_over_the_underlays_and_two_share_the_first(size):
    environment = many_hosts(*size)
    used = [host.underlay for host in environment.hosts]

    assert used.count("underlay1") >= min(2, size[0])
    assert abs(used.count("underlay1") - used.count("underlay2")) <= 1 or size[0] == 2
    for host in environment.hosts:
        underlay = environment.underlay(host)
        subnet = ip_network(f"{underlay.ipv4_network}/{underlay.ipv4_prefix}")
        assert ip_address(host.ipv4_address) in subnet


def test_each_host_has_a_guest_on_each_network():
    environment = many_hosts(3)
    assert [(g.host, g.network) for g in environment.guests] == list(
        itertools.product(("host1", "host2", "host3"), ("vnet1", "vnet2"))
    )


@pytest.mark.parametrize("size", [(0, 2), (-1, 2), (MOST_HOSTS + 1, 0), (3, -1), (200, 3)])
def test_more_than_addresses_allow_is_refused(size):
    with pytest.raises(LabError, match=f"{size[0]} hosts|{size[1]} guests"):
        many_hosts(*size)


def test_what_is_referred_to_is_declared_first():
    declared = {"br0"}
    for words in declarations(many_hosts(3)):
        options = dict(itertools.pairwise(words))
        named = {value for option, value in options.items() if option.endswith("-uuid")}
        added = {options[option] for option in ("--uuid",) if option in options}
        assert named - added <= declared
        if words[2] == "add":
            assert {word for word in words[3:5] if not word.startswith("--")} <= declared
        declared |= added
