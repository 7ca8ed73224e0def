"""Live migration, as hypervisors do it: a guest's port is on both hosts until the guest goes on.

    prepare(lab, "vm3", "host1")   the port is there too; the guest still sends and hears by the old
    switch_over(lab, "vm3")        the guest goes on by the new one
    forget(lab, "vm3", "host2")    the old one is gone

The guest itself stays: it has a second network card for as long as the migration takes, with the
same MAC address and silent. Then that one is its eth0, with the address of the first; connections
stay.
"""

from openvnet.lab.lab import Lab

_CARD, _OTHER = "eth0", "eth1"

_PREPARE = """
ip link add name {port} type veth peer name {other} address {mac} mtu {mtu} netns {holder}
ip link set {port} addrgenmode none up
nsenter --target {holder} --net sh -e <<'GUEST'
ethtool -K {other} tx off >/dev/null
ip link set {other} addrgenmode none arp off up
GUEST
ovs-vsctl --timeout=10 add-port br0 {port}
"""

_SWITCH_OVER = """
ip link set {card} down
ip link set {card} name old
ip link set {other} down
ip link set {other} name {card}
ip address flush dev old
ip address add {address} dev {card}
ip link set {card} arp on up
"""


def prepare(lab: Lab, guest: str, host: str) -> None:
    """Make the guest's port on the host that it is to move to, beside the one where it is."""
    found = lab.environment.guest(guest)
    script = _PREPARE.format(
        port=found.port_name,
        other=_OTHER,
        mac=found.mac_address,
        mtu=lab.environment.guest_mtu,
        holder=lab.holders[guest],
    )
    lab.run(lab.environment.host(host).name, "sh", "-e", given=script)


def switch_over(lab: Lab, guest: str) -> None:
    """Let the guest go on at the new host; it says nothing by itself."""
    found = lab.environment.guest(guest)
    address = f"{found.ipv4_address}/{lab.environment.network(found).ipv4_prefix}"
    script = _SWITCH_OVER.format(card=_CARD, other=_OTHER, address=address)
    lab.run(guest, "sh", "-e", given=script)


def forget(lab: Lab, guest: str, host: str) -> None:
    """Remove the port at the host that the guest has left."""
    port = lab.environment.guest(guest).port_name
    lab.run(host, "ovs-vsctl", "--timeout=10", "del-port", "br0", port)
    lab.run(host, "ip", "link", "delete", "dev", port)
