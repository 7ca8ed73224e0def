import pytest
from rich.text import Text

from openvnet.lab.drawing import drawing
from openvnet.lab.many import many_hosts

THREE = """\
 ╭─ router ──────────╮       ╭─ manager ──────────╮
 │ 192.168.0.1       ├───────┤ 192.168.0.2        │
 ╰┬──────────────────╯  eth0 │ vnmgr, webapi      │
  │                          ╰────────────────────╯
  ├══ underlay1 192.168.1.0/24, router 192.168.1.1 ══════════════════════════
  │               │ eth0                               │ eth0
  │ ╭─ host1 ─────┴────────────────────╮ ╭─ host3 ─────┴────────────────────╮
  │ │ br0 192.168.1.11                 │ │ br0 192.168.1.13                 │
  │ │     02:00:00:00:00:01            │ │     02:00:00:00:00:03            │
  │ │     dpid 0000aaaaaaaa0001        │ │     dpid 0000aaaaaaaa0003        │
  │ │     dp-1, vna1                   │ │     dp-3, vna3                   │
  │ │ └─ vm1   10.102.0.10/23          │ │ └─ vm3   10.102.0.12/23          │
  │ │    nw-vnet1  52:54:00:00:00:01   │ │    nw-vnet1  52:54:00:00:00:03   │
  │ ╰──────────────────────────────────╯ ╰──────────────────────────────────╯
  │
  └══ underlay2 192.168.2.0/24, router 192.168.2.1 ══════════════════════════
                  │ eth0
    ╭─ host2 ─────┴────────────────────╮
    │ br0 192.168.2.12                 │
    │     02:00:00:00:00:02            │
    │     dpid 0000aaaaaaaa0002        │
    │     dp-2, vna2                   │
    │ └─ vm2   10.102.0.11/23          │
    │    nw-vnet1  52:54:00:00:00:02   │
    ╰──────────────────────────────────╯
"""


def test_three_hosts_are_drawn():
    lines = [line.plain for line in drawing(many_hosts(3, 1), 80)]
    assert lines == THREE.splitlines()


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("size", [(1, 0), (2, 3), (9, 2), (200, 2)])
def test_every_host_and_guest_is_drawn_within_the_terminal(size, width):
    environment = many_hosts(*size)
    lines = [line.plain for line in drawing(environment, width)]
    words = " ".join(lines).split()

    assert max(map(len, lines)) <= width
    for each in (*environment.hosts, *environment.guests):
        assert words.count(each.name) == 1
        assert each.mac_address in words


def test_a_network_has_one_colour():
    def colours(network):
        return {
            span.style
            for line in drawing(many_hosts(3))
            for span in line.spans
            if network in line.plain[span.start : span.end]
        }

    assert all(isinstance(line, Text) for line in drawing(many_hosts(3)))
    assert len(colours("nw-vnet1")) == len(colours("nw-vnet2")) == 1
    assert colours("nw-vnet1") != colours("nw-vnet2")
