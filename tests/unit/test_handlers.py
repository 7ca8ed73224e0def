"""What the agent answers itself: each handler is one of the list, and no packet makes it raise."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from openvnet.features import ANSWERS
from openvnet.model.host import Attachment
from openvnet.pipeline.fields import Registers
from openvnet.pipeline.handlers import Arrival, Handler
from openvnet.state import State, View

SENDER = Attachment("if-1", "vm1", 1)
LARGE = bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(dport=9) / Raw(bytes(1472)))


SILENT = {Handler.SPEAKS}
"""What only tells the agent something."""


def answer(handler, packet, **written):
    return ANSWERS[handler](Arrival(handler, packet, written), SENDER, View(State()))


def test_each_handler_has_an_answer_and_a_limit():
    assert set(ANSWERS) == set(Handler) - SILENT
    assert all(handler.packets > 0 for handler in Handler)


@pytest.mark.parametrize("handler", ANSWERS)
def test_whatever_a_guest_sends_a_handler_answers_or_is_silent(handler):
    @given(st.binary(max_size=99), st.lists(st.tuples(st.integers(0, 99), st.integers(0, 255))))
    @example(LARGE, [])
    @example(LARGE, [(12, 0x86), (13, 0xDD)])
    def check(garbage, changes):
        damaged = bytearray(LARGE)
        for at, octet in changes:
            damaged[at] = octet
        for packet in (garbage, bytes(damaged), LARGE[: len(garbage)]):
            assert isinstance(answer(handler, packet), bytes | None)

    check()


def test_who_sends_too_much_is_told_by_whom_it_sends_to():
    mtu = Registers.mtu(1450)
    told = Ether(answer(Handler.TOO_BIG, LARGE, **{mtu.field: mtu.value}))
    sent = Ether(LARGE)
    assert (told.src, told.dst) == (sent.dst, sent.src)
    assert (told[IP].src, told[IP].dst) == ("10.0.0.2", "10.0.0.1")
    assert told["ICMP"].nexthopmtu == 1450
    large = Ether(dst="02:00:00:00:00:02") / IPv6(src="fd00::1", dst="fd00::2") / Raw(bytes(1500))
    told = Ether(answer(Handler.TOO_BIG, bytes(large), **{mtu.field: mtu.value}))
    assert (told[IPv6].src, told[IPv6].dst) == ("fd00::2", "fd00::1")
    assert told["ICMPv6PacketTooBig"].mtu == 1450
