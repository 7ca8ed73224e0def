"""The language that flows are written in: a `Flow`, its match and its actions, as plain values.

Two flows are the same if they are equal; a flow's key (table, priority, match) is its place in the
switch. Nothing here knows bytes: `openflow.encoding` writes these values, and reads them back.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from operator import lt

import msgspec

from openvnet.pipeline.fields import (
    VLAN_PRESENT,
    PacketField,
    RegisterField,
    Registers,
    Term,
    vlan_vid,
)
from openvnet.pipeline.handlers import Handler
from openvnet.pipeline.tables import Table

IN_PORT = 0xFFFFFFF8
"""Output to the port that the packet came in by (OFPP_IN_PORT)."""

LOCAL = 0xFFFFFFFE
"""The bridge's own port, by which the host itself sends and receives (OFPP_LOCAL)."""

CONTROLLER = 0xFFFFFFFD
"""Output to the agent (OFPP_CONTROLLER)."""

LEARNED = 1 << 63
"""The cookie bit of flows that the switch itself adds by `Learn`; no other flow of ours has it."""


class Output(msgspec.Struct, frozen=True, gc=False):
    """Send a copy to a port; to its own input port only with `IN_PORT`."""

    port: int


class OutputToFirst(msgspec.Struct, frozen=True, gc=False):
    """Send a copy to the first of several ports whose link is up by then (NXAST_BUNDLE)."""

    ports: tuple[int, ...]


class SetField(msgspec.Struct, frozen=True, gc=False):
    """Write a whole field of the packet (OFPAT_SET_FIELD)."""

    field: str
    value: int


class Load(msgspec.Struct, frozen=True, gc=False):
    """Write `bits` bits of a register, from bit `offset` up (NXAST_REG_LOAD)."""

    register: int
    offset: int
    bits: int
    value: int


class Move(msgspec.Struct, frozen=True, gc=False):
    """Copy one field of the packet to another of the same width (NXAST_REG_MOVE)."""

    source: str
    destination: str
    bits: int | None = None
    """Only so many of the lowest bits, of fields of any width."""


class PushVlan(msgspec.Struct, frozen=True, gc=False):
    """Put a VLAN tag before what the packet has (OFPAT_PUSH_VLAN, 802.1Q); its id is written next.

    Of a tagged packet, the fields behind the tag are matched as those of one without.
    """


class PopVlan(msgspec.Struct, frozen=True, gc=False):
    """Take the outermost VLAN tag off; the flow must match on there being one (OFPAT_POP_VLAN)."""


class CheckLarger(msgspec.Struct, frozen=True, gc=False):
    """Write whether the frame, with its Ethernet header, has more than `octets` octets.

    The answer is bit `offset` of a register (NXAST_CHECK_PKT_LARGER).
    """

    octets: int
    register: int
    offset: int


class ToAgent(msgspec.Struct, frozen=True, gc=False):
    """Hand a copy to one of the agent's handlers, no more than its meter lets pass.

    The handler's number is the userdata and the meter (NXAST_CONTROLLER2).
    """

    handler: Handler


class Resubmit(msgspec.Struct, frozen=True, gc=False):
    """Pass the packet through another table, then go on (NXAST_RESUBMIT_TABLE)."""

    table: Table


class Goto(msgspec.Struct, frozen=True, gc=False):
    """Go on in a later table; the last action of its flow (OFPIT_GOTO_TABLE)."""

    table: Table


class Learnt(msgspec.Struct, frozen=True, gc=False):
    """A condition of a flow that is learnt: a field is what the packet has in another.

    It is of `bits` bits of both, from bit `offset` up; write it with `learnt`.
    """

    field: str
    source: str
    bits: int
    offset: int = 0


class Learn(msgspec.Struct, frozen=True, gc=False):
    """Let the switch itself add a flow, or refresh the one that it added before (NXAST_LEARN2).

    A flow at the same place, such as one that was learnt by another port, is replaced. As long as
    some flow of ours learns into this table with this cookie, nobody touches what it learnt (see
    `openflow.learning`); with the last such flow, all of that goes. So the cookie must say all
    that what is learnt depends on, else a flow that replaces this one keeps what is outdated.
    """

    table: Table
    priority: int
    cookie: int
    """With the bit LEARNED; nothing else in that table has it."""
    idle_timeout: int
    """Seconds after which what was learnt goes if no packet has used it; 0 for never.

    That packets teach it anew does not count: those of a sender that hears nothing do not keep it.
    """
    match: tuple[Learnt, ...]
    actions: tuple[SetField | Load, ...] = ()
    """What the learnt flow writes; see `write`."""
    back: bool = False
    """Whether the learnt flow then sends to the port that the packet came by, which teaches."""
    limit: int = 0
    """How many flows with this cookie there may be; 0 for any number. Others are not learnt.

    Nor are moves, once there are so many: so each port has a cookie of its own. Each flow that is
    learnt costs the switch a look at all others with its cookie.
    """
    hard_timeout: int = 0
    """Seconds after which what was learnt goes if no packet has taught it anew; 0 for never."""


class Drop(msgspec.Struct, frozen=True, gc=False):
    """Do nothing more, and be counted for a reason; the only action of its flow.

    The reason is for people: to the switch, a flow that drops is one without actions.
    """

    reason: str


Action = (
    Output
    | OutputToFirst
    | SetField
    | Load
    | Move
    | PushVlan
    | PopVlan
    | CheckLarger
    | ToAgent
    | Resubmit
    | Goto
    | Learn
    | Drop
)
Match = tuple[Term, ...]


class Flow(msgspec.Struct, frozen=True, gc=False):
    """What the switch does with the packets of a table that match."""

    table: Table
    priority: int
    match: Match
    """Terms of different fields; write them with `match`."""
    actions: tuple[Action, ...]

    @property
    def key(self) -> tuple[tuple[Table, int], Match]:
        """Its place: a switch holds one flow for each match of a table and priority."""
        return (self.table, self.priority), self.match


_ORDER = {
    name: number
    for number, name in enumerate(
        (
            "in_port",
            "eth_src",
            "eth_dst",
            "eth_type",
            "vlan_vid",
            "ip_proto",
            "ipv4_src",
            "ipv4_dst",
            "arp_op",
            "arp_spa",
            "arp_tpa",
            "arp_sha",
            "arp_tha",
            "tun_id",
            "tun_src",
            "tun_dst",
            *(f"reg{n}" for n in range(16)),
            "metadata",
        )
    )
}


def match(*terms: Term) -> Match:
    """Terms in one order, whichever they were given in; slices of one register become one term."""
    ranks = [_ORDER[term.field] for term in terms]
    if all(map(lt, ranks, islice(ranks, 1, None))):
        return terms
    return tuple(_joined(sorted(terms, key=lambda term: _ORDER[term.field])))


def _joined(ordered: Iterable[Term]) -> Iterable[Term]:
    before: Term | None = None
    for term in ordered:
        if before and before.field == term.field:
            if before.mask is None or term.mask is None or before.mask & term.mask:
                raise ValueError(f"{term.field} is matched twice")
            mask = before.mask | term.mask
            before = Term(
                term.field, before.value | term.value, None if mask == 0xFFFFFFFF else mask
            )
        else:
            if before:
                yield before
            before = term
    if before:
        yield before


@lru_cache(maxsize=1 << 10)
def write(field: PacketField | RegisterField, value: int) -> SetField | Load:
    """The action that gives a field a value; one for many flows."""
    if isinstance(field, PacketField):
        return SetField(field.name, value)
    field.check(value)
    return Load(field.register, field.offset, field.bits, value)


def learnt(
    field: PacketField | RegisterField, source: PacketField | RegisterField | None = None
) -> Learnt:
    """The condition, for `Learn`, that a field is what the packet has in a source, or in itself."""
    if source is None and isinstance(field, RegisterField):
        register = f"reg{field.register}"
        return Learnt(register, register, field.bits, field.offset)
    source = source or field
    if source.bits != field.bits:
        raise ValueError(f"{source} has {source.bits} bits, {field} has {field.bits}")
    return Learnt(_whole(field), _whole(source), field.bits)


def tag(vlan_id: int) -> tuple[Action, ...]:
    """The actions that put a VLAN's tag before an untagged packet; none for 0."""
    return (PushVlan(), write(vlan_vid, vlan_id | VLAN_PRESENT)) if vlan_id else ()


def untag(vlan_id: int) -> tuple[Action, ...]:
    """The actions that take the tag of a VLAN off; none for 0."""
    return (PopVlan(),) if vlan_id else ()


def off_trunk(vlan_id: int) -> tuple[Action, ...]:
    """The actions that take a guest's tag off, and remember it for what goes back by the port."""
    return (*untag(vlan_id), write(Registers.trunk, vlan_id)) if vlan_id else ()


def out_of(ports: Sequence[int]) -> Action:
    """The action that sends a copy to a port, or to the first of several that is live."""
    return Output(ports[0]) if len(ports) == 1 else OutputToFirst(tuple(ports))


def copy(
    source: PacketField | RegisterField,
    destination: PacketField | RegisterField,
    bits: int | None = None,
) -> Move:
    """The action that gives a field the value of another, or its lowest bits.

    A register's field must be all of it.
    """
    if bits is not None and bits < min(source.bits, destination.bits):
        return Move(_whole(source), _whole(destination), bits)
    if source.bits != destination.bits:
        raise ValueError(f"{source} has {source.bits} bits, {destination} has {destination.bits}")
    return Move(_whole(source), _whole(destination))


def check_larger(octets: int, field: RegisterField) -> CheckLarger:
    """The action that writes whether a frame is larger to a field of one bit."""
    field.check(1)
    return CheckLarger(octets, field.register, field.offset)


def _whole(field: PacketField | RegisterField) -> str:
    if isinstance(field, PacketField):
        return field.name
    if field.bits < 32:
        raise ValueError(f"{field} is only a part of its register")
    return f"reg{field.register}"
