"""What vnctl prints for people."""

from openvnet.cli.printing import one, printed, realised_lines, table
from openvnet.client import Answer, Realised


def lines(found):
    return list(found)


def test_columns_are_as_wide_as_their_widest_word_and_those_that_tell_nothing_are_left_out():
    items = [
        {"uuid": "nw-1", "display_name": "a long name", "mode": None, "vni": 7, "id": 3},
        {"uuid": "nw-long", "display_name": "b", "mode": None, "vni": 0, "on": False},
    ]
    assert lines(table(items)) == [
        "uuid     display_name  vni",
        "nw-1     a long name   7",
        "nw-long  b             0",
    ]


def test_an_empty_list_is_said_in_words():
    answer = Answer({"total_count": 0, "offset": 0, "limit": 30, "items": []}, b"", None, None)
    assert printed(answer, "table") == "There are none."
    assert printed(answer, "table", "There is no network.") == "There is no network."
    assert printed(answer, "name") == ""


UP = {
    "node_id": "vna1",
    "datapath_uuid": "dp-1",
    "up": True,
    "why": "",
    "port_name": "inst1",
    "port_number": 7,
    "realised": 42,
    "packets_in": 12,
    "packets_out": 3,
    "drops": {"not its IPv4 address": 2, "unknown destination": 1},
}
DOWN = {
    "node_id": "vna2",
    "datapath_uuid": None,
    "up": False,
    "why": "there is no port called inst1",
    "port_name": None,
    "port_number": None,
    "realised": None,
    "packets_in": 0,
    "packets_out": 0,
    "drops": {},
}


def test_the_status_of_an_interface_is_told_host_by_host():
    interface = {"uuid": "if-1", "mode": "vif", "ip_leases": [], "status": [UP, DOWN]}
    assert lines(one(interface)) == [
        "uuid  if-1",
        "mode  vif",
        "ip_leases: none",
        "status:",
        "  on vna1 (dp-1), port inst1 (7): up",
        "    realised revision 42",
        "    packets in 12, out 3, as the switch sees them",
        "    dropped 2: not its IPv4 address",
        "    dropped 1: unknown destination",
        "  on vna2: not up: there is no port called inst1",
    ]


def test_an_interface_that_is_nowhere_says_why():
    nowhere = {"node_id": None, "datapath_uuid": "dp-1", "up": False, "why": "no vna is alive"}
    interface = {"uuid": "if-1", "status": [nowhere]}
    assert lines(one(interface))[-1] == "  on no host (dp-1): not up: no vna is alive"


def test_a_list_of_interfaces_names_the_hosts_that_they_are_on():
    items = [
        {"uuid": "if-1", "status": [UP, {**UP, "node_id": "vna9"}]},
        {"uuid": "if-2", "status": [{"node_id": None, "up": False}]},
    ]
    answer = Answer({"total_count": 2, "items": items}, b"", None, None)
    assert printed(answer, "table").splitlines() == [
        "uuid  hosts",
        "if-1  vna1, vna9",
        "if-2  none",
    ]


def test_a_list_of_interfaces_names_their_ports():
    ports = [{"port_name": "inst1"}, {"port_name": None}, {"port_name": "inst2"}]
    items = [{"uuid": "if-1", "ports": ports}, {"uuid": "if-2", "ports": ports[1:2]}]
    answer = Answer({"total_count": 2, "items": items}, b"", None, None)
    assert printed(answer, "table").splitlines() == ["uuid  ports", "if-1  inst1, inst2", "if-2"]


def test_what_hangs_on_a_resource_does_not_repeat_whose_it_is():
    ports = [{"uuid": "ifp-1", "interface_uuid": "if-1", "port_name": "if-1"}]
    assert lines(one({"uuid": "if-1", "ports": ports}))[1:] == [
        "ports:",
        "  uuid   port_name",
        "  ifp-1  if-1",
    ]


def test_each_reason_why_an_interface_is_not_up_has_a_line():
    nowhere = {"node_id": None, "up": False, "why": "no port is named a; no port is named b"}
    assert lines(one({"uuid": "if-1", "status": [nowhere]}))[2:] == [
        "  on no host: not up:",
        "    no port is named a",
        "    no port is named b",
    ]


def test_wide_letters_are_as_wide_as_terminals_show_them():
    items = [{"uuid": "nw-1", "display_name": "東京", "vni": 1}, {"uuid": "nw-2", "vni": 2}]
    assert lines(table(items))[1:] == ["nw-1  東京          1", "nw-2                2"]


def test_what_came_of_waiting_is_said_in_words():
    said = realised_lines("e/42", Realised(3.14, ("vna",), (), ()))
    assert lines(said) == ["revision 42 is in the switch of 1 host (vna) after 3.1 ms"]
    said = realised_lines("e/42", Realised(3.14, ("vna", "vnb"), (), ()))
    assert lines(said) == ["revision 42 is in the switch of 2 hosts (vna, vnb) after 3.1 ms"]


def test_nobody_concerned_is_said_in_words():
    (said,) = realised_lines("e/42", Realised(0.0, (), (), ()))
    assert said.startswith("no host is concerned: revision 42 is written")


def test_a_write_that_changes_nothing_is_said_in_words():
    (said,) = realised_lines("e/42", Realised(0.0, (), (), ()), changed=False)
    assert said == "nothing has changed: all was so already, as of revision 42 or before"


def test_who_lags_is_named_and_that_the_write_stands():
    said = realised_lines("e/42", Realised(1000.0, ("vna",), ("vnb: no switch",), ("if-1: full",)))
    assert lines(said) == [
        "revision 42 is in the switch of 1 host (vna) after 1000.0 ms",
        "revision 42 stands, but is not yet realised by vnb: no switch",
        "revision 42 stands, but was refused by the switch: if-1: full",
    ]


def test_a_list_of_a_relation_says_also_what_is_said_of_it():
    association = {"uuid": "dpnw-1", "datapath_uuid": "dp-1", "network_uuid": "nw-1", "label": "x"}
    body = {"items": [{"uuid": "nw-1", "display_name": "one", "association": association}]}
    assert printed(Answer(body, b"", None, None), "table").splitlines() == [
        "uuid  display_name  datapath_uuid  label",
        "nw-1  one           dp-1           x",
    ]


def test_what_goes_without_saying_is_said_only_where_it_is_not_so():
    items = [{"uuid": "if-1", "enabled": True}, {"uuid": "if-2", "enabled": True}]
    assert lines(table(items)) == ["uuid", "if-1", "if-2"]
    items[1]["enabled"] = False
    assert lines(table(items)) == ["uuid  enabled", "if-1  true", "if-2  false"]
