"""A guest that is being migrated, with a card on either host: what numbered packets come to which.

    python two_cards.py FRAME

It says "ready". At each line "speak" it sends a frame (FRAME, in hexadecimal) by the second card.
When its input ends it says, as JSON, of each packet the card, the number and the time, and when it
spoke. The kernel hears the packets, too, and says nothing.
"""

import json
import select
import socket
import struct
import sys
import time

PORT = 5005
CARDS = ("eth0", "eth1")
QUIET_SECONDS = 0.5
ETH_P_IP, UDP = 0x0800, 17


def number_of(frame):
    """Of a numbered packet; None of any other one."""
    if len(frame) < 50 or frame[23] != UDP or struct.unpack_from("!H", frame, 36)[0] != PORT:
        return None
    return struct.unpack_from("!Q", frame, 42)[0]


def card(name):
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    opened.bind((name, ETH_P_IP))
    return opened


def main(frame):
    deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    deaf.bind(("", PORT))
    cards, came, spoke = {card(name): name for name in CARDS}, [], []
    print("ready", flush=True)
    reading = [*cards, sys.stdin]
    while ready := select.select(reading, [], [], None if sys.stdin in reading else QUIET_SECONDS)[
        0
    ]:
        for each in ready:
            if each is not sys.stdin:
                number = number_of(each.recv(2048))
                came += [] if number is None else [(cards[each], number, time.monotonic())]
            elif sys.stdin.readline():
                next(one for one in cards if cards[one] == CARDS[1]).send(frame)
                spoke.append(time.monotonic())
            else:
                reading.remove(sys.stdin)
    print(json.dumps({"came": came, "spoke": spoke}))


if __name__ == "__main__":
    main(bytes.fromhex(sys.argv[1]))
