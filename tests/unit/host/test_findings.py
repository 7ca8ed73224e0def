"""Each finding provoked in facts that are otherwise well."""

import msgspec
import pytest

from openvnet.cli.host_pages import status_lines
from openvnet.host.facts import Directory, Facts, Live, Software, Store, Unknown, Uplink
from openvnet.host.findings import CHECKS, findings, must_act
from openvnet.host.joining import Reached
from openvnet.host.places import places
from openvnet.host.processes import Process
from openvnet.host.saying import Says
from openvnet.host.status import status
from openvnet.host.switch import Bridge, Controller, Switch, SwitchPort

replace = msgspec.structs.replace
DPID = "0x0000aaaaaaaaaaaa"
TARGET = "tcp:127.0.0.1:6633"
NOW = 1_800_000_000.0

PORT = SwitchPort("vm1", "", 1500, "", "up")
BRIDGE = Bridge(
    "br0",
    DPID,
    "netdev",
    "secure",
    ("OpenFlow10", "OpenFlow13"),
    {"disable-in-band": "true", "datapath-id": DPID[2:]},
    (Controller(TARGET, True),),
    (SwitchPort("br0", "internal", 1400, "", "up"), PORT, replace(PORT, name="vm2")),
)
NODE = {
    "dpid": DPID,
    "datapath_uuid": "dp-1",
    "version": "1.0",
    "state": "in sync",
    "drift": 0,
    "sent": 7,
    "realised": 7,
    "lag": 0,
    "failures": [],
}
SAYS = Says(True, True, True, 7, 7, 0)
GUEST = {"uuid": "if-1", "status": [{"node_id": "vna", "port_name": "vm1", "up": True}]}
LIVE = Live(7, {"vna": NODE}, ({"uuid": "dp-1", "dpid": DPID},), (GUEST,))
HERE = places({}, 0)
STORE = Store(str(HERE.database), 0, (), 7, NOW - 60)


def directory(name):
    return Directory(f"/{name}", True, True, 0, 1 << 33, 100_000)


WELL = Facts(
    now=NOW,
    places=HERE,
    ovsdb="unix:/run/openvswitch/db.sock",
    listen="127.0.0.1:6633",
    bridge_name="br0",
    software=Software("1.0", "3.11.2", "Linux", 0),
    directories={name: directory(name) for name in ("state", "run", "log")},
    switch=Switch(("netdev", "system"), (BRIDGE,)),
    vswitchd=Process(1, NOW - 1, "ovs-vswitchd"),
    vswitchd_version="3.1.0",
    kernel_has_openvswitch=False,
    vnmgr=Process(2, NOW - 1, "vnmgr"),
    webapi=Process(3, NOW - 1, "webapi"),
    vna=Process(4, NOW - 1, "vna"),
    webapi_version="1.0",
    live=LIVE,
    store=STORE,
    synchronised=True,
)


def with_bridge(**changed):
    return replace(WELL, switch=replace(WELL.switch, bridges=(replace(BRIDGE, **changed),)))


def with_uplink(size, underlay):
    uplink = Uplink("eth0", "dp-1", "nw-u", underlay)
    here = with_bridge(ports=(*BRIDGE.ports, replace(PORT, name="eth0", mtu=size)))
    others = replace(uplink, datapath_uuid="dp-2", mtu=9999)
    return replace(here, live=replace(LIVE, uplinks=(uplink, others)))


def with_node(**changed):
    return replace(WELL, live=replace(LIVE, nodes={"vna": {**NODE, **changed}}))


def with_directory(**changed):
    state = replace(directory("state"), **changed)
    return replace(WELL, directories={**WELL.directories, "state": state})


NOBODY = Unknown("nobody answers")
AWAY = Unknown("Open vSwitch does not answer at unix:/x: No such file. Start it (`now`).")

FOLLOWS = replace(
    WELL,
    **dict.fromkeys(("vnmgr", "webapi", "store")),
    **dict.fromkeys(("webapi_version", "live"), NOBODY),
    upstream=Reached("vna2", "192.0.2.1:9102", ""),
    vna_says=SAYS,
)
"""A host that has joined a vnmgr elsewhere."""

TROUBLES = {
    "vnmgr does not know the key of a host that has joined": (
        replace(WELL, vnmgr=None, upstream=Reached("vna2", "192.0.2.1:9102", "it was revoked.")),
        ("joined", "as vna2, but it was revoked"),
        "vnctl nodes token",
    ),
    "what a host keeps of its vnmgr is damaged": (
        replace(WELL, upstream=Unknown("vna.json is damaged")),
        ("joined", "damaged"),
        "openvnet join",
    ),
    "vnmgr refuses this host's vna": (
        replace(WELL, vna_says=replace(SAYS, refused="its switch has dpid 0x1")),
        ("joined", "refuses this host's vna: its switch has dpid 0x1"),
        "vnctl nodes",
    ),
    "the host has not the address that its row says": (
        replace(
            WELL,
            live=replace(
                LIVE,
                nodes={},  # By that address it called vnmgr.
                uplinks=(Uplink("eth0", "dp-1", "nw-u", 1500, "if-eth0", ("192.0.2.9",)),),
            ),
        ),
        ("underlay", "if-eth0 leases 192.0.2.9 in nw-u, and this host has no such address"),
        "vnctl ip-leases modify",
    ),
    "two hosts are one node": (
        with_node(twin="another one is live at 192.0.2.7, by vnmgr x"),
        ("nodes", "that are vna, or have its datapath id: another one is live at 192.0.2.7"),
        "openvnet join",
    ),
    "another host is refused": (
        replace(WELL, live=replace(LIVE, away={"vna9": {"refused": "two hosts"}})),
        ("nodes", "says it is vna9 is refused: two hosts"),
        "key",
    ),
    "webapi is of another release": (
        replace(WELL, webapi_version="0.9"),
        ("versions", "the webapi that runs is of version 0.9"),
        "systemctl restart openvnet-webapi",
    ),
    "vna is of another release": (
        with_node(version="0.9"),
        ("versions", "the vna that runs"),
        "openvnet-vna",
    ),
    "Open vSwitch is away": (
        replace(WELL, switch=AWAY),
        ("Open vSwitch", "does not answer"),
        "Start it",
    ),
    "ovs-vswitchd is away": (
        replace(WELL, vswitchd=None),
        ("Open vSwitch", "ovs-vswitchd does not run"),
        "systemctl restart",
    ),
    "there is no bridge": (
        replace(WELL, switch=replace(WELL.switch, bridges=())),
        ("bridge", "there is no bridge br0"),
        "openvnet up --bridge br0",
    ),
    "the bridge speaks another protocol": (
        with_bridge(protocols=("OpenFlow10",)),
        ("protocols", "not OpenFlow13"),
        "ovs-vsctl set bridge br0 protocols=OpenFlow10,OpenFlow12,OpenFlow13",
    ),
    "the bridge is standalone": (
        with_bridge(fail_mode="standalone"),
        ("fail mode", "forwards everything everywhere"),
        "ovs-vsctl set-fail-mode br0 secure",
    ),
    "the bridge has no fail mode, which is standalone": (
        with_bridge(fail_mode=""),
        ("fail mode", "is standalone"),
        "ovs-vsctl set-fail-mode br0 secure",
    ),
    "there is no controller": (
        with_bridge(controllers=()),
        ("controller", "no controller"),
        f"ovs-vsctl set-controller br0 {TARGET}",
    ),
    "the controller is elsewhere": (
        with_bridge(controllers=(Controller("tcp:1.2.3.4:6653", True),)),
        ("controller", "asks tcp:1.2.3.4:6653"),
        f"ovs-vsctl set-controller br0 {TARGET}",
    ),
    "there is a second controller": (
        with_bridge(controllers=(Controller(TARGET, True), Controller("ssl:1.2.3.4:1", False))),
        ("controller", "asks ssl:1.2.3.4:1"),
        "ovs-vsctl set-controller",
    ),
    "nobody listens for the bridge": (
        replace(WELL, vna=None),
        ("controller", "nobody listens there"),
        "openvnet up",
    ),
    "the bridge does not reach who listens": (
        replace(
            with_bridge(controllers=(Controller(TARGET, False, "Connection reset"),)),
            live=replace(LIVE, nodes={}),
        ),
        ("controller", "(Connection reset), where process 4 listens"),
        "log",
    ),
    "in-band flows are not off": (
        with_bridge(other_config={"datapath-id": DPID[2:]}),
        ("in-band", "hidden in-band flows"),
        "other_config:disable-in-band=true",
    ),
    "the datapath id is not fixed": (
        with_bridge(other_config={"disable-in-band": "true"}),
        ("datapath id", "changes it with them"),
        f"other_config:datapath-id={DPID[2:]}",
    ),
    "the datapath is not declared": (
        replace(WELL, live=replace(LIVE, datapaths=())),
        ("datapath id", "no datapath is declared"),
        f"vnctl datapaths add --display-name here --dpid {DPID} --node-id vna",
    ),
    "the kernel has no module": (
        with_bridge(datapath_type=""),
        ("datapath type", "no openvswitch module"),
        "datapath_type=netdev",
    ),
    "a port does not work": (
        with_bridge(ports=(PORT, SwitchPort("vm9", "", None, "No such device", "down"))),
        ("ports", "vm9 of bridge br0 does not work: No such device"),
        "ovs-vsctl del-port br0 vm9",
    ),
    "frames do not fit": (
        with_bridge(ports=(*BRIDGE.ports, replace(PORT, name="vm3", mtu=1400))),
        ("MTU", "vm3 has MTU 1400, others have 1500"),
        "ip link set vm3 mtu 1500",
    ),
    "an uplink takes less than its underlay": (
        with_uplink(1500, underlay=9000),
        ("MTU", "uplink eth0 has MTU 1500, but nw-u has 9000"),
        "ip link set eth0 mtu 9000`, or `vnctl networks modify nw-u --mtu 1500",
    ),
    "the clock was never set": (
        replace(WELL, now=3600.0, store=None),
        ("clock", "1970-01-01"),
        "date -s",
    ),
    "the clock was set back": (
        replace(WELL, store=replace(STORE, written=NOW + 3600)),
        ("clock", "revision 7 was written 3600 s later"),
        "set it right",
    ),
    "state may not be written": (
        with_directory(writable=False),
        ("rights", "may not be written"),
        "--state",
    ),
    "state may not be made": (
        with_directory(writable=False, exists=False),
        ("rights", "is not there and may not be made"),
        "--state",
    ),
    "the disk of the state does not answer": (
        replace(WELL, directories={**WELL.directories, "state": NOBODY}),
        ("rights", "nobody answers"),
        "disk",
    ),
    "the database is somebody else's": (
        with_directory(owner=64999),
        ("rights", "belongs to user 0, its directory to 64999"),
        "chown --reference=/state",
    ),
    "the disk is full": (with_directory(free=1000), ("disk", "0 MB free in /state"), "du -xh"),
    "there are no inodes": (with_directory(inodes=3), ("disk", "only 3 more files"), "remove"),
    "the database is damaged": (
        replace(WELL, store=replace(STORE, problems=("row 7 missing",))),
        ("database", "is damaged: row 7 missing"),
        "backup",
    ),
    "the database cannot be read": (
        replace(WELL, store=Unknown("it may not be read")),
        ("database", "it may not be read"),
        "root",
    ),
    "vnmgr is away": (
        replace(WELL, vnmgr=None, live=NOBODY),
        ("vnmgr", "does not run"),
        "openvnet up",
    ),
    "vnmgr hangs": (
        replace(WELL, live=Unknown("it does not answer in time")),
        ("vnmgr", "it runs, but it does not answer in time"),
        "vnmgr.log",
    ),
    "webapi is away": (
        replace(WELL, webapi=None, webapi_version=NOBODY, live=NOBODY),
        ("webapi", "does not run"),
        "openvnet-webapi",
    ),
    "who runs cannot be known": (
        replace(WELL, webapi=Unknown("Permission denied"), webapi_version=NOBODY, live=NOBODY),
        ("webapi", "cannot be known whether it runs: Permission denied"),
        "root",
    ),
    "vna is away": (
        replace(WELL, vna=None, live=replace(LIVE, nodes={})),
        ("vna", "does not run"),
        "openvnet-vna",
    ),
    "vna does not reach vnmgr": (
        replace(WELL, live=replace(LIVE, nodes={})),
        ("in sync", "vnmgr does not hear of this host's vna"),
        "vna.log",
    ),
    "vna is not in sync": (
        with_node(state="waiting for vnmgr"),
        ("in sync", "vna: waiting for vnmgr"),
        "vna.log",
    ),
    "the switch refused something": (
        with_node(failures=["vna: interface if-1: too many"]),
        ("in sync", "not realised: vna: interface if-1: too many"),
        "change",
    ),
}


def test_all_is_well_where_all_is_well():
    found = findings(WELL)
    assert {finding.state for finding in found} == {"well"}
    assert not must_act(found)
    assert status(WELL).well


def test_a_host_that_has_joined_is_well_by_what_its_vna_says_and_whether_vnmgr_is_reached():
    assert {finding.state for finding in findings(FOLLOWS)} == {"well"}
    found = status(FOLLOWS)
    assert found.well
    assert found.revision == 7
    assert [program.name for program in found.programs] == ["vnmgr", "vna", "ovs-vswitchd"]
    assert [(host.node_id, host.state, host.lag) for host in found.hosts] == [
        ("vna2", "in sync", 0)
    ]
    lines = list(status_lines(found))
    assert any("at 192.0.2.1:9102, reached" in line for line in lines)
    away = replace(
        FOLLOWS,
        upstream=FOLLOWS.upstream._replace(trouble="vnmgr cannot be reached"),
        vna_says=replace(SAYS, heard=False),
    )
    assert any("at 192.0.2.1:9102, not reached" in line for line in status_lines(status(away)))
    assert [trouble.partition(":")[0] for trouble in status(away).troubles] == ["vnmgr", "vna2"]
    assert {"joined", "in sync"} == {each.about for each in findings(away) if each.state == "act"}


def test_an_uplink_may_take_more_than_guests_ports_do():
    assert not must_act(findings(with_uplink(9000, underlay=9000)))
    assert not must_act(findings(with_uplink(9000, underlay=1500)))


@pytest.mark.parametrize("trouble", TROUBLES)
def test_it_is_found_with_its_remedy(trouble):
    facts, (about, words), remedy = TROUBLES[trouble]
    found = [finding for finding in findings(facts) if finding.state == "act"]
    assert must_act(found)
    assert [
        finding
        for finding in found
        if finding.about == about and words in finding.words and remedy in finding.remedy
    ], found


NOTES = {
    "another host is silent": (
        replace(WELL, live=replace(LIVE, away={"vna9": {"state": "not connected"}})),
        ("nodes", "vna9 is silent: it is not connected"),
    ),
    "another host's clock is wrong": (
        with_node(clock_ahead=-3600),
        ("nodes", "the clock of vna is 3600 s behind"),
    ),
    "Open vSwitch is older than what is tested": (
        replace(WELL, vswitchd_version="2.17.9"),
        ("Open vSwitch", "2.17.9 is older"),
    ),
    "others changed flows": (with_node(drift=3), ("drift", "found 3 flows")),
    "the clock is nobody's care": (
        replace(WELL, synchronised=False),
        ("clock", "nothing keeps it right"),
    ),
    "there is no database yet": (replace(WELL, store=None), ("database", "none here yet")),
    "the kernel would be faster": (
        replace(WELL, kernel_has_openvswitch=True),
        ("datapath type", "in userspace, though"),
    ),
}


@pytest.mark.parametrize("note", NOTES)
def test_it_is_noted_and_nothing_must_be_done(note):
    facts, (about, words) = NOTES[note]
    found = findings(facts)
    assert not must_act(found)
    (noted,) = (finding for finding in found if finding.state == "note")
    assert noted.about == about
    assert words in noted.words


def test_no_check_stumbles_over_what_is_unknown():
    facts = WELL
    for name in ("switch", "vswitchd", "vswitchd_version", "vnmgr", "webapi", "vna"):
        facts = replace(facts, **{name: Unknown("no answer")})
    facts = replace(facts, webapi_version=NOBODY, live=NOBODY, store=NOBODY, synchronised=None)
    facts = replace(facts, directories=dict.fromkeys(WELL.directories, NOBODY))
    assert must_act(findings(facts))
    assert not status(facts).well
    for check in CHECKS:
        list(check(facts))


def test_a_version_of_two_digits_is_greater_than_one_of_one():
    newer = replace(WELL, vswitchd_version="3.10.0")
    assert {finding.state for finding in findings(newer)} == {"well"}


NOT_WELL = ("Open vSwitch is away", "there is no controller", "vna is away", "vnmgr hangs")


@pytest.mark.parametrize("trouble", NOT_WELL)
def test_the_status_is_not_well_and_says_why(trouble):
    found = status(TROUBLES[trouble][0])
    assert not found.well
    assert found.troubles


def test_a_guest_that_is_off_is_shown_and_makes_no_difference():
    off = {"uuid": "if-2", "status": [{"node_id": None, "up": False, "why": "no such port"}]}
    found = status(replace(WELL, live=replace(LIVE, interfaces=(GUEST, off))))
    assert found.well
    assert [(guest.interface, guest.up, guest.why) for guest in found.guests] == [
        ("if-1", True, ""),
        ("if-2", False, "no such port"),
    ]


def test_the_bridge_is_the_one_that_asks_vna_whatever_its_name():
    other = with_bridge(name="ovsbr7", ports=(PORT,))
    assert other.bridge.name == "ovsbr7"
    assert not must_act(findings(other))
