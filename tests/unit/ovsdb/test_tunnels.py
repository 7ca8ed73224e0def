"""What is to be done about tunnel ports, from what OVSDB says."""

from openvnet.ovsdb.tunnels import OPTIONS, again, operations, tunnels

DPID = "0x0000aaaaaaaaaaaa"


def interface(name, **more):
    ours = {"openvnet-tunnel": "0000aaaaaaaaaaaa"}
    row = {"name": name, "type": "geneve", "options": OPTIONS, "external_ids": ours, "error": []}
    return {**row, **more}


def tables(*interfaces):
    return {
        "Bridge": {"b": {"datapath_id": "0000aaaaaaaaaaaa"}},
        "Interface": {row["name"]: row for row in interfaces},
        "Port": {f"port {row['name']}": row for row in interfaces},
    }


def done(found, **wanted):
    return [name for name, *_ in operations(found, DPID, wanted, may_remove=True)]


def test_what_is_as_wanted_is_left_alone():
    assert done(tables(interface("g")), g="geneve") == []


def test_what_is_missing_wrong_or_not_wanted_is_mended():
    assert done(tables(), g="geneve") == ["g"]
    assert done(tables(interface("g")), g="vxlan") == ["g"]
    assert done(tables(interface("g", options={})), g="geneve") == ["g"]
    assert done(tables(interface("g"))) == ["g"]


def test_nothing_is_done_about_a_port_of_others_or_on_another_bridge():
    theirs = interface("g", external_ids={"openvnet-tunnel": "0000bbbbbbbbbbbb"})
    for row in (theirs, interface("g", external_ids={})):
        assert done(tables(row), g="vxlan") == done(tables(row)) == []
        assert "did not make" in tunnels(tables(row), DPID, ["g"])["g"]
        assert again(tables({**row, "error": "no"}), DPID) == []
    assert list(operations(tables(), "0x1", {"g": "geneve"}, may_remove=True)) == []


def test_what_could_not_be_made_is_said_and_tried_again():
    broken = interface("g", error="no such device")
    assert tunnels(tables(broken), DPID, ["g"]) == {"g": "no such device"}
    (operation,) = again(tables(broken), DPID)
    assert operation["mutations"] == [["next_cfg", "+=", 1]]
    assert again(tables(interface("g")), DPID) == []
