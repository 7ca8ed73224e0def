"""Flows that Open vSwitch accepts, drawn at random from all that our language can say."""

from hypothesis import strategies as st

from openvnet.pipeline import fields
from openvnet.pipeline.fields import ARP, IPV4, PacketField, Term
from openvnet.pipeline.flow import (
    CONTROLLER,
    IN_PORT,
    LEARNED,
    LOCAL,
    CheckLarger,
    Drop,
    Flow,
    Goto,
    Learn,
    Learnt,
    Load,
    Move,
    Output,
    OutputToFirst,
    Resubmit,
    SetField,
    ToAgent,
    match,
)
from openvnet.pipeline.handlers import Handler
from openvnet.pipeline.tables import Table

PACKET_FIELDS = {
    field.name: field for field in vars(fields).values() if isinstance(field, PacketField)
}
BITS = {
    **{name: field.bits for name, field in PACKET_FIELDS.items()},
    **{f"reg{number}": 32 for number in range(16)},
    "arp_op": 8,  # Open vSwitch looks at no more of it.
}
NEEDS = {
    **dict.fromkeys(("ip_proto", "ipv4_src", "ipv4_dst"), IPV4),
    **dict.fromkeys(("arp_op", "arp_spa", "arp_tpa", "arp_sha", "arp_tha"), ARP),
}
"""What else must be matched before a field may be matched or written."""
WHOLE_ONLY = {"in_port", "eth_type", "vlan_vid", "ip_proto", "arp_op"}
"""Fields that cannot be matched in part (of a VLAN id, only whether there is one)."""
READ_ONLY = {"in_port", "eth_type", "vlan_vid", "ip_proto"}
"""Fields that cannot be written (a VLAN id can, in packets that have one)."""
FITTING = {
    need: [name for name in BITS if NEEDS.get(name, need) == need and name != "eth_type"]
    for need in (None, IPV4, ARP)
}


def values(name):
    """Values of a field that the switch does not take exception to."""
    if name == "in_port":
        return st.integers(1, 99)
    if name == "vlan_vid":
        return st.just(0) | st.integers(0x1000, 0x1FFF)
    return st.integers(0, (1 << BITS[name]) - 1)


@st.composite
def terms(draw, name):
    value = draw(values(name))
    if name in WHOLE_ONLY or draw(st.booleans()):
        return Term(name, value)
    mask = draw(st.integers(0, (1 << BITS[name]) - 1))
    return Term(name, value & mask, mask)


def matches(need):
    names = st.lists(st.sampled_from(FITTING[need]), unique=True, max_size=12)
    chosen = names.flatmap(lambda names: st.tuples(*map(terms, names)))
    return chosen.map(lambda chosen: match(*chosen, *((need,) if need else ())))


def actions(need):
    writable = [name for name in FITTING[need] if name not in READ_ONLY and name in PACKET_FIELDS]
    pairs = [
        (source, destination)
        for source in writable
        for destination in writable
        if BITS[source] == BITS[destination]
    ]
    parts = [
        Move(source, destination, min(BITS[source], BITS[destination]) - 1)
        for source in writable
        for destination in writable
        if source != destination and min(BITS[source], BITS[destination]) > 8
    ]
    ports = st.integers(1, 99)
    return st.one_of(
        st.builds(Output, ports | st.sampled_from([IN_PORT, LOCAL, CONTROLLER])),
        st.builds(OutputToFirst, st.lists(ports, min_size=1, max_size=9).map(tuple)),
        st.sampled_from(writable).flatmap(
            lambda name: st.builds(SetField, st.just(name), values(name))
        ),
        loads(),
        st.sampled_from(pairs).map(lambda pair: Move(*pair)),
        st.sampled_from(parts),
        st.builds(Resubmit, st.sampled_from(Table)),
        st.builds(CheckLarger, st.integers(0, 0xFFFF), st.integers(0, 15), st.integers(0, 31)),
        learns(),
        st.builds(ToAgent, st.sampled_from(Handler)),
    )


LEARNABLE = ("eth_src", "eth_dst", "tun_id", "tun_src", "metadata", "reg0", "reg15")
"""Fields that need not that others are matched before."""


@st.composite
def learns(draw):
    bits = draw(st.integers(1, 32))
    offset = draw(st.integers(0, 32 - bits))
    conditions = [
        Learnt(field, source, BITS[field])
        for field in LEARNABLE
        for source in LEARNABLE
        if BITS[field] == BITS[source]
    ]
    conditions.append(Learnt("reg3", "reg4", bits, offset))
    chosen = st.lists(st.sampled_from(conditions), max_size=5, unique_by=lambda each: each.field)
    written = st.sampled_from(["eth_src", "metadata", "tun_id"]).flatmap(
        lambda name: st.builds(SetField, st.just(name), values(name))
    )
    idle = draw(st.integers(0, 0xFFFF))
    return Learn(
        table=draw(st.sampled_from(Table)),
        priority=draw(st.integers(0, 0xFFFF)),
        cookie=LEARNED | draw(st.integers(0, LEARNED - 2)),
        idle_timeout=idle,
        match=tuple(draw(chosen)),
        actions=tuple(draw(st.lists(loads() | written, max_size=3))),
        back=draw(st.booleans()),
        limit=draw(st.integers(0, 0xFFFFFFFF)),
        hard_timeout=draw(st.integers(0 if idle else 1, 0xFFFF)),
    )


@st.composite
def loads(draw):
    bits = draw(st.integers(1, 32))
    return Load(
        draw(st.integers(0, 15)),
        draw(st.integers(0, 32 - bits)),
        bits,
        draw(st.integers(0, (1 << bits) - 1)),
    )


@st.composite
def flows(draw):
    need = draw(st.sampled_from([None, IPV4, ARP]))
    table = draw(st.sampled_from(Table))
    later = [Goto(other) for other in Table if other > table]
    last = draw(st.sampled_from([None, None, *later]))
    some = tuple(draw(st.lists(actions(need), max_size=5)))
    return Flow(
        table,
        draw(st.integers(0, 0xFFFF)),
        draw(matches(need)),
        (Drop("for a reason"),) if not some and not last else some + ((last,) if last else ()),
    )
