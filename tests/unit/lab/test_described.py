import pytest

from openvnet.lab.described import described
from openvnet.lab.environment import declarations
from openvnet.lab.errors import LabError

WELL = """
underlay: 172.16.3.0/24
encapsulation: gre
hosts: {zebra: 172.16.3.147, yellow: 172.16.3.148}
networks: {red: 10.1.0.0/24, blue: 10.2.0.0/24}
guests:
  london: {host: yellow, red: 10.1.0.2}
  monkey: {host: zebra, red: 10.1.0.1, blue: 10.2.0.1}
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "hosts.yml"


def test_a_file_describes_hosts_networks_and_each_card_of_each_guest(file):
    file.write_text(WELL)
    environment = described(file)
    assert environment.places == ("router", "manager", "zebra", "yellow", "london", "monkey")
    cards = [(guest.name, guest.place, guest.card, guest.host) for guest in environment.guests]
    assert cards == [
        ("london", "london", "eth0", "yellow"),
        ("monkey", "monkey", "eth0", "zebra"),
        ("monkey-blue", "monkey", "eth1", "zebra"),
    ]
    carried = [
        words for words in declarations(environment) if words[:2] == ("datapaths", "networks")
    ]
    assert len(carried) == 4
    assert all(words[-2:] == ("--encapsulation", "gre") for words in carried)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("zebra: 172.16.3.147", "zebra: 172.16.4.1", "hosts.zebra: 172.16.4.1 is not in 172.16.3"),
        ("zebra: 172.16.3.147", "zebra: 172.16.3.1", "hosts.zebra: 172.16.3.1 is the router's"),
        ("zebra: 172.16.3.147", "zebra: near", "hosts.zebra: .*'near'"),
        ("underlay: 172.16.3.0/24", "underlay: 172.16.3.4/24", "underlay: .*such as 10.1.0.0/24"),
        ("encapsulation: gre", "encapsulation: gree", "encapsulation: 'gree' is none of"),
        ("host: yellow", "host: purple", "guests.london.host: 'purple' is none of zebra, yellow"),
        ("host: yellow, ", "", "guests.london.host: '' is none of zebra, yellow"),
        ("red: 10.1.0.2", "green: 10.1.0.2", "guests.london.green: there are red, blue"),
        ("red: 10.1.0.2", "red: 10.2.0.2", "guests.london.red: 10.2.0.2 is not in 10.1.0.0/24"),
        ("london:", "zebra:", "zebra is the name of a host and of a guest"),
        ("london:", "manager:", "'manager' can be no name here"),
        ("london:", "constantinople:", "'constantinople-red' is too long for a port"),
        ("networks:", "nets:", "unknown field `nets`"),
        ("hosts: {", "hosts: [{", "hosts.yml: "),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(file, right, wrong, said):
    assert right in WELL
    file.write_text(WELL.replace(right, wrong, 1))
    with pytest.raises(LabError, match=f"hosts.yml: .*{said}" if said != "hosts.yml: " else said):
        described(file)


def test_a_file_that_is_not_there_is_named(file):
    with pytest.raises(LabError, match=r"hosts\.yml: No such file or directory"):
        described(file)
