"""The language of flows: matches in one order, registers that share no bit."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvnet.pipeline.fields import (
    IPV4,
    RegisterField,
    Registers,
    Term,
    eth_dst,
    eth_src,
    in_port,
    ipv4_src,
)
from openvnet.pipeline.flow import Load, Move, SetField, copy, match, write

TERMS = (in_port(1), eth_src(2), eth_dst(3, 0xFF), IPV4, ipv4_src(4), Registers.network(5))


@given(st.permutations(TERMS))
def test_a_match_is_the_same_in_whichever_order_it_was_written(terms):
    assert match(*terms) == match(*TERMS)


def test_slices_of_one_register_become_one_term():
    assert match(Registers.network(5), Registers.chunk(2)) == (Term("reg0", 5 | 2 << 24, None),)


def test_a_field_matched_twice_is_refused():
    with pytest.raises(ValueError, match="eth_src is matched twice"):
        match(eth_src(1), eth_src(2))
    with pytest.raises(ValueError, match="reg0 is matched twice"):
        match(Registers.network(1), Registers.network(2))


def test_a_value_too_wide_for_its_field_is_refused():
    with pytest.raises(ValueError, match="chunk=256 needs more than 8 bits"):
        Registers.chunk(256)
    with pytest.raises(ValueError, match="chunk=-1 needs more than 8 bits"):
        write(Registers.chunk, -1)


def test_actions_name_their_fields():
    assert write(eth_src, 7) == SetField("eth_src", 7)
    assert write(Registers.chunk, 7) == Load(0, 24, 8, 7)
    assert copy(eth_src, eth_dst) == Move("eth_src", "eth_dst")
    with pytest.raises(ValueError, match="eth_src has 48 bits, ipv4_src has 32"):
        copy(eth_src, ipv4_src)


def test_no_two_register_fields_share_a_bit():
    fields = [field for field in vars(Registers).values() if isinstance(field, RegisterField)]
    for one, other in itertools.combinations(fields, 2):
        bits = {(field.register, bit) for field in (one, other) for bit in places(field)}
        assert len(bits) == one.bits + other.bits
    assert all(field.offset + field.bits <= 32 for field in fields)


def places(field):
    return range(field.offset, field.offset + field.bits)
