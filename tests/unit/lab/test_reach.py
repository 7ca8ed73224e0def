from openvnet.lab.environment import SEED
from openvnet.lab.many import many_hosts
from openvnet.lab.pages import reach_matrix, reach_table
from openvnet.lab.reach import Ping, wrong_cells
from tests.unit.lab.printed import printed

GOOD = [
    Ping("vm1", "10.102.0.11", 5, 5, {"vm3": 5}),
    Ping("vm2", "10.102.0.11", 5, 5, {"vm4": 5}),
    Ping("vm3", "10.102.0.10", 5, 5, {"vm1": 5}),
    Ping("vm4", "10.102.0.10", 5, 5, {"vm2": 5}),
]


def test_nothing_is_wrong_when_each_request_arrives_at_the_own_network_alone():
    assert list(wrong_cells(SEED, GOOD)) == []
    assert printed(reach_table(SEED, GOOD)).count("✔ all 5") == 4


def test_a_request_that_is_lost_is_wrong():
    pings = [Ping("vm1", "10.102.0.11", 5, 4, {"vm3": 4}), *GOOD[1:]]

    assert list(wrong_cells(SEED, pings)) == [
        "vm1 to 10.102.0.11: 4 of 5 requests arrived at vm3, 5 should have",
        "vm1 to 10.102.0.11: 4 answers, not 5",
    ]
    assert "✘ 4 of 5" in printed(reach_table(SEED, pings))


def test_a_request_that_leaks_into_another_network_is_wrong():
    pings = [*GOOD[:3], Ping("vm4", "10.102.0.10", 5, 5, {"vm2": 5, "vm1": 1})]

    assert list(wrong_cells(SEED, pings)) == [
        "vm4 to 10.102.0.10: 1 of 5 requests arrived at vm1, 0 should have"
    ]
    assert "✘ 1 leaked" in printed(reach_table(SEED, pings))


def test_the_matrix_fits_a_terminal_of_80_columns():
    assert "…" not in printed(reach_table(SEED, GOOD))


def test_the_matrix_of_many_guests_marks_what_is_not_reached_and_what_leaks():
    assert printed(reach_matrix(SEED, GOOD)).count("✔") == 4

    pings = [
        Ping("vm1", "10.102.0.11", 5, 4, {"vm3": 5}),
        *GOOD[1:3],
        Ping("vm4", "10.102.0.10", 5, 5, {"vm2": 5, "vm1": 1}),
    ]
    rows = printed(reach_matrix(SEED, pings)).splitlines()
    assert next(row for row in rows if "vm1 vnet1" in row).split()[3:] == ["·", "·", "4/5", "·"]
    assert next(row for row in rows if "vm4 vnet2" in row).split()[3:] == ["leaked", "✔", "·", "·"]


def test_the_matrix_of_six_guests_fits_a_terminal_of_80_columns():
    assert "…" not in printed(reach_matrix(many_hosts(3), []))
