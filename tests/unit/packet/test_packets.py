"""Packets read and written, held against scapy; and bytes that are none."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6PacketTooBig, IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from openvnet.packet import ethernet, icmp, ipv4, ipv6
from openvnet.packet.errors import MalformedPacketError

addresses = st.integers(0, 0xFFFFFFFF)
bits16 = st.integers(0, 0xFFFF)
packets = st.builds(
    ipv4.Packet,
    source=addresses,
    destination=addresses,
    protocol=st.integers(0, 255),
    payload=st.binary(max_size=2000),
    ttl=st.integers(0, 255),
    tos=st.integers(0, 255),
    identification=bits16,
    dont_fragment=st.booleans(),
    more_fragments=st.booleans(),
    fragment_offset=st.integers(0, 0x1FFF),
    options=st.integers(0, 10).map(lambda words: b"\x01" * 4 * words),
)
messages = st.builds(
    icmp.Message, st.integers(0, 255), st.integers(0, 255), addresses, st.binary(max_size=99)
)
frames = st.builds(
    *(ethernet.Frame, st.integers(0, 2**48 - 1), st.integers(0, 2**48 - 1), bits16),
    st.binary(max_size=99),
)
packets6 = st.builds(
    ipv6.Packet,
    source=st.binary(min_size=16, max_size=16),
    destination=st.binary(min_size=16, max_size=16),
    next_header=st.integers(0, 255),
    payload=st.binary(max_size=2000),
    hop_limit=st.integers(0, 255),
    labels=st.integers(0, 2**28 - 1),
)
CODECS = [
    (ipv6.read_packet, ipv6.write_packet, packets6),
    (ethernet.read_frame, ethernet.write_frame, frames),
    (ipv4.read_packet, ipv4.write_packet, packets),
    (icmp.read_message, icmp.write_message, messages),
]


@pytest.mark.parametrize(("read", "write", "values"), CODECS)
def test_what_was_written_is_read_again_and_garbage_raises_one_error_only(read, write, values):
    @given(values, st.binary(max_size=80), st.integers(0, 79), st.integers(1, 255))
    def check(value, garbage, at, flipped):
        octets = write(value)
        assert read(octets) == value
        damaged = bytearray(octets)
        damaged[at % len(damaged)] ^= flipped
        for bad in (garbage, bytes(damaged), octets[:at]):
            with suppress(MalformedPacketError):
                read(bad)

    check()


def number(address):
    return int.from_bytes(bytes(map(int, address.split("."))), "big")


def test_scapy_reads_what_we_write_and_we_what_scapy_writes():
    theirs = IP(src="10.0.0.1", dst="10.0.0.2", id=7, flags="DF", ttl=9, tos=4) / UDP(dport=9)
    ours = ipv4.read_packet(bytes(theirs))
    assert (ours.source, ours.destination) == (number("10.0.0.1"), number("10.0.0.2"))
    assert (ours.identification, ours.dont_fragment, ours.ttl, ours.tos) == (7, True, 9, 4)
    assert ipv4.write_packet(ours) == bytes(theirs)
    frame = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / theirs
    read = ethernet.read_frame(bytes(frame))
    assert (read.source, read.destination, read.kind) == (0x020000000001, 0x020000000002, 0x800)
    assert ethernet.write_frame(read) == bytes(frame)
    echo = ICMP(type=8, id=1, seq=2) / Raw(b"odd")
    assert icmp.write_message(icmp.read_message(bytes(echo))) == bytes(echo)


def test_padding_behind_a_packet_is_not_part_of_it():
    packet = IP(src="10.0.0.1", dst="10.0.0.2") / UDP()
    assert ipv4.read_packet(bytes(packet) + bytes(18)) == ipv4.read_packet(bytes(packet))


def too_big(packet, mtu=1450):
    return icmp.fragmentation_needed(ipv4.read_packet(bytes(packet)), mtu)


def test_what_is_too_big_is_answered_as_rfc_1191_says():
    sent = IP(src="10.0.0.1", dst="10.0.0.2", flags="DF") / UDP(sport=5, dport=9) / Raw(b"x" * 1472)
    answer = ipv4.write_packet(too_big(sent))
    read = IP(answer)
    assert (read.src, read.dst, len(answer)) == ("10.0.0.2", "10.0.0.1", icmp.LONGEST)
    assert (read[ICMP].type, read[ICMP].code, read[ICMP].nexthopmtu) == (3, 4, 1450)
    assert answer[28:] == bytes(sent)[: icmp.LONGEST - 28]
    assert ipv4.checksum(answer[:20]) == ipv4.checksum(answer[20:]) == 0


MAY = {"src": "10.0.0.1", "dst": "10.0.0.2"}


@pytest.mark.parametrize(
    "packet",
    [
        IP(src="10.0.0.1", dst="255.255.255.255") / UDP(),
        IP(src="10.0.0.1", dst="224.0.0.1") / UDP(),
        IP(src="0.0.0.0", dst="10.0.0.2") / UDP(),
        IP(src="127.0.0.1", dst="10.0.0.2") / UDP(),
        IP(**MAY, frag=100) / UDP(),
        *(IP(**MAY) / ICMP(type=kind) for kind in sorted(icmp.ERRORS)),
    ],
)
def test_no_error_answers_an_error_a_later_fragment_or_what_is_not_from_one_to_one(packet):
    assert too_big(packet) is None
    assert too_big(IP(**MAY) / ICMP(type=8)) is not None
    assert too_big(IP(**MAY, flags="MF") / UDP()) is not None


def too_big6(packet, mtu=1450):
    return ipv6.packet_too_big(ipv6.read_packet(bytes(packet)), mtu)


def test_what_is_too_big_is_answered_as_rfc_4443_says():
    sent = IPv6(src="fd00::1", dst="fd00::2", tc=3, fl=7) / UDP(dport=9) / Raw(b"x" * 1452)
    assert ipv6.write_packet(ipv6.read_packet(bytes(sent) + bytes(4))) == bytes(sent)
    answer = ipv6.write_packet(too_big6(sent))
    read = IPv6(answer)
    assert (read.src, read.dst, len(answer)) == ("fd00::2", "fd00::1", ipv6.LEAST_MTU)
    assert (read[ICMPv6PacketTooBig].code, read[ICMPv6PacketTooBig].mtu) == (0, 1450)
    assert answer[48:] == bytes(sent)[: ipv6.LEAST_MTU - 48]
    told = read[ICMPv6PacketTooBig].cksum
    del read[ICMPv6PacketTooBig].cksum
    assert IPv6(bytes(read))[ICMPv6PacketTooBig].cksum == told


ONE = {"src": "fd00::1", "dst": "fd00::2"}


@pytest.mark.parametrize(
    "packet",
    [
        IPv6(src="fd00::1", dst="ff02::1") / UDP(),
        IPv6(src="::", dst="fd00::2") / UDP(),
        IPv6(src="::1", dst="fd00::2") / UDP(),
        *(IPv6(**ONE) / message() for message in (ICMPv6PacketTooBig, ICMPv6DestUnreach)),
    ],
)
def test_of_ipv6_no_error_answers_an_error_or_what_is_not_from_one_to_one(packet):
    assert too_big6(packet) is None
    assert too_big6(IPv6(**ONE) / ICMPv6EchoRequest()) is not None
