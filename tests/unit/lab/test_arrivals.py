from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether

from openvnet.lab.arrivals import echo_request

ETHERNET = Ether(src="52:54:00:0d:84:8c", dst="52:54:00:0a:fb:78")
ADDRESSES = IP(src="10.102.0.10", dst="10.102.0.11")


def test_an_echo_request_is_counted_by_sender_and_address():
    frame = bytes(ETHERNET / ADDRESSES / ICMP(type="echo-request"))
    assert echo_request(frame) == ("52:54:00:0d:84:8c", "10.102.0.11")


def test_ip_options_are_skipped():
    addresses = IP(src="10.102.0.10", dst="10.102.0.11", options=[b"\x94\x04\x00\x00"])
    assert echo_request(bytes(ETHERNET / addresses / ICMP(type="echo-request")))


def test_nothing_else_is_counted():
    for frame in (
        ETHERNET / ADDRESSES / ICMP(type="echo-reply"),
        ETHERNET / ADDRESSES / UDP(sport=8, dport=8),
        ETHERNET / ADDRESSES / TCP(),
        ETHERNET / ARP(),
        b"",
    ):
        assert echo_request(bytes(frame)) is None
