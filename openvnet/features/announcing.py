"""Guests that are here are announced, where switches that are not ours must learn it.

    Member, here ──on a LAN────────► ARP announcement, flooded as if the guest had sent it
                 └─comes bare──────► RARP request out of the uplink (mac2mac)

Such switches carry frames with the guest's own MAC address, and bring them to where it was until
they see it elsewhere; a guest that was moved may have nothing to say for long. In a tunnel nobody
sees the guest's address, so what only tunnels carry needs no announcement.

What goes to other hosts by mac2mac goes to those alone that have members. But all switches must
learn, also those on the way to hosts that get members later; so it is a broadcast of the underlay,
and names no IP address, which might be one of the underlay's own.
"""

from collections.abc import Iterator

from openvnet.model.host import Member
from openvnet.model.wanted import Announcement
from openvnet.packet.arp import announcement, reverse_request
from openvnet.pipeline.fields import Registers
from openvnet.pipeline.flow import Action, Resubmit, out_of, write
from openvnet.pipeline.tables import Table
from openvnet.state import View


def announcements(member: Member, _: View) -> Iterator[Announcement]:
    """That a member is here, for whoever must learn it; not while it is still elsewhere."""
    if member.awaited:
        return
    uplinks = member.lan.uplinks if member.lan else member.bare
    if uplinks:
        addresses = member.mac_address, member.ipv4_address
        yield Announcement(member.vni, *addresses, member.port, uplinks, bare=member.lan is None)


def announced(told: Announcement) -> tuple[bytes, tuple[Action, ...]]:
    """The frame that announces a guest, and what the switch does with it, as from its port."""
    if told.bare:
        return reverse_request(told.mac_address), (out_of(told.uplinks),)
    flooded = write(Registers.network, told.vni), Resubmit(Table.L2_LOOKUP)
    return announcement(told.mac_address, told.ipv4_address), flooded


FEATURES = ((Member, announcements),)
