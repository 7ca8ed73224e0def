"""vna against a real Open vSwitch and a real vnmgr: the switch is as it must be, whatever happened.

What it must be is compiled from scratch, from the rows in the database and the ports of the switch;
so no test here says what flows look like.
"""

import itertools
import json
import re
import signal
import threading
from contextlib import ExitStack, suppress

import pytest
from sqlalchemy import create_engine

from openvnet.client import Client, ClientError
from openvnet.compiler import Compiler
from openvnet.features import STRATA
from openvnet.lab.waiting import until
from openvnet.model import KINDS
from openvnet.model.facts import Bridge, Port, PortIdentity
from openvnet.openflow.encoding import cookie_of
from openvnet.pipeline.flow import Flow
from openvnet.store.transaction import every
from tests.system import process_of, running_vna, system
from tests.worlds import DPID, key_of

pytestmark = pytest.mark.ovs

DATAPATH = {"uuid": "dp-1", "display_name": "one", "dpid": DPID, "node_id": "vna"}
NETWORK = {"uuid": "nw-1", "ipv4_network": "10.102.0.0"}
OTHER_NETWORK = {"uuid": "nw-2", "ipv4_network": "10.102.0.0"}


def interface(number, network="nw-1", **more):
    return {
        "uuid": f"if-{number}",
        "mode": "vif",
        "network_uuid": network,
        "mac_address": f"52:54:00:00:00:{number:02x}",
        "ipv4_address": f"10.102.0.{number}",
        "port_name": f"vm{number}",
        **more,
    }


@pytest.fixture
def made():
    with system([]) as made:
        yield made


def add(made, collection, row):
    return made.client.write("POST", f"/{collection}", row, wait=5)


def change(made, path, values):
    return made.client.write("PUT", path, values, wait=5)


def delete(made, path):
    return made.client.write("DELETE", path, wait=5)


def plug(made, name, iface_id=None):
    identity = [f"external_ids:iface-id={iface_id}"] if iface_id else []
    made.ovs.vsctl("add-port", "br0", name, "--", "set", "interface", name, "type=dummy", *identity)


def unplug(made, name):
    made.ovs.vsctl("del-port", "br0", name)


def cookies(made):
    """The cookies of the flows in the switch."""
    return {
        int(cookie, 16) for cookie in re.findall("cookie=(0x[0-9a-f]+)", "".join(made.ovs.dump()))
    }


def must_be(made):
    """The cookies of the flows that must be there."""
    world = {key_of(row): row for row in (*rows(made), *facts(made))}
    outputs = Compiler(STRATA).apply(world).add
    return {cookie_of(output) for output in outputs if isinstance(output, Flow)}


def rows(made):
    """All rows, read from the database beside vnmgr."""
    engine = create_engine(f"sqlite:///{made.directory}/state/openvnet.sqlite")
    with engine.connect() as connection:
        for kind in KINDS.values():
            yield from (row for row, _ in every(connection, kind))
    engine.dispose()


def facts(made):
    """The bridge and its ports, as Open vSwitch's own programs tell them."""
    yield Bridge(DPID)
    columns = "--columns=name,ofport,external_ids"
    listed = made.ovs.vsctl("--format=json", columns, "list", "interface")
    for name, number, (_, identities) in json.loads(listed)["data"]:
        yield Port(name, 0xFFFFFFFE if number == 65534 else number, up=True)
        if iface_id := dict(identities).get("iface-id"):
            yield PortIdentity(name, iface_id)


def is_as_it_must_be(made):
    """Wait until the switch has just what it must have; more than the last flow of each table."""
    until(lambda: cookies(made) == must_be(made), "the switch is as it must be")
    return len(cookies(made))


DEFAULTS = 16
"""Flows that are there whatever the rows are."""


ORDERS = list(itertools.permutations(("vna", "port", "rows")))


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_the_order_of_agent_port_and_rows_does_not_matter(made, order):
    with ExitStack() as stack:
        steps = {
            "vna": lambda: stack.enter_context(process_of(made.vna())),
            "port": lambda: plug(made, "vm1"),
            "rows": lambda: [
                add(made, "datapaths", DATAPATH),
                add(made, "networks", NETWORK),
                add(made, "interfaces", interface(1)),
            ],
        }
        for step in order:
            steps[step]()
        until(lambda: len(cookies(made)) > DEFAULTS, "the interface has flows")
        is_as_it_must_be(made)


@pytest.fixture
def living(made):
    """A datapath, two networks, and two interfaces with their ports; vna is in sync."""
    for name in ("vm1", "vm2"):
        plug(made, name)
    with running_vna(made) as agent:
        add(made, "datapaths", DATAPATH)
        for network in (NETWORK, OTHER_NETWORK):
            add(made, "networks", network)
        for number in (1, 2):
            answer = add(made, "interfaces", interface(number))
            assert answer.realised.hosts == ("vna",)
        made.agents.append(agent)
        yield made


def test_a_port_that_goes_takes_its_flows_and_brings_them_back(living):
    whole = is_as_it_must_be(living)
    unplug(living, "vm1")
    until(lambda: len(cookies(living)) < whole, "the flows of vm1 are gone")
    is_as_it_must_be(living)
    plug(living, "vm1")
    until(lambda: len(cookies(living)) == whole, "the flows of vm1 are back")
    is_as_it_must_be(living)


def test_an_interface_can_be_deleted_and_made_again_in_another_network(living):
    whole = cookies(living)
    delete(living, "/interfaces/if-1")
    assert cookies(living) == must_be(living) != whole
    add(living, "interfaces", interface(1, network="nw-2"))
    assert cookies(living) == must_be(living) != whole


def test_an_interface_can_be_given_another_address(living):
    whole = cookies(living)
    (lease,) = living.client.get("/interfaces/if-1").body["ip_leases"]
    delete(living, f"/ip_leases/{lease['uuid']}")
    assert cookies(living) == must_be(living)
    given = {"interface_uuid": "if-1", "network_uuid": "nw-2", "ipv4_address": "10.102.0.99"}
    add(living, "ip_leases", given)
    assert cookies(living) == must_be(living) != whole


def test_a_datapath_can_be_deleted_and_made_again(living):
    add(living, "interfaces", interface(3, owner_datapath_uuid="dp-1"))
    whole = cookies(living)
    delete(living, "/datapaths/dp-1")
    assert cookies(living) == must_be(living)
    assert len(cookies(living)) == DEFAULTS
    add(living, "datapaths", DATAPATH)
    assert cookies(living) == must_be(living) == whole


@pytest.mark.parametrize("iface_id", ["vm3", "if-3", "neutron-0123"])
def test_a_port_is_bound_by_its_iface_id(living, iface_id):
    name = "vm3" if iface_id != "neutron-0123" else iface_id
    add(living, "interfaces", interface(3, port_name=name))
    before = len(cookies(living))
    plug(living, "tap3", iface_id=iface_id)
    until(lambda: len(cookies(living)) > before, "the interface has flows")
    is_as_it_must_be(living)
    (status,) = living.client.get("/interfaces/if-3").body["status"]
    assert (status["up"], status["port_name"]) == (True, "tap3")


def test_of_two_ports_for_one_interface_the_result_does_not_depend_on_which_came_first(living):
    plug(living, "tap1", iface_id="vm1")
    is_as_it_must_be(living)
    unplug(living, "vm1")
    is_as_it_must_be(living)
    (status,) = living.client.get("/interfaces/if-1").body["status"]
    assert status["port_name"] == "tap1"


def test_flows_changed_by_hand_are_healed_and_reported(living):
    whole = cookies(living)
    by_hand = (
        ("add-flow", "table=0,priority=9,actions=normal"),
        ("mod-flows", "table=2,actions=flood"),
        ("del-flows", "table=1"),
    )
    for command in by_hand:
        living.ovs.ofctl(*command)
        living.agents[0].says("drift")
        until(lambda: cookies(living) == whole, "the flows are healed")
        actions = [flow.split("actions=")[1] for flow in living.ovs.dump()]
        assert not {"NORMAL", "FLOOD"} & set(actions)
    reported = "the drift is reported"
    until(lambda: living.client.get("/nodes").body["vna"]["drift"] >= len(by_hand), reported)


def test_a_killed_switch_is_whole_again(living):
    whole = cookies(living)
    backoff = living.ovs.vsctl("get", "controller", "br0", "max_backoff")
    living.ovs.kill()
    living.ovs.start_switch()
    until(lambda: cookies(living) == whole, "the flows are back")
    told_anew = "the new ovs-vswitchd is told how soon to try again"
    until(lambda: living.ovs.vsctl("get", "controller", "br0", "max_backoff") != backoff, told_anew)


def test_an_agent_that_lost_its_cache_while_vnmgr_is_dead_keeps_what_it_does_not_know(made):
    plug(made, "vm1")
    plug(made, "vm2")
    with running_vna(made):
        add(made, "datapaths", DATAPATH)
        add(made, "networks", NETWORK)
        for number in (1, 2):
            add(made, "interfaces", interface(number))
    whole = cookies(made)
    made.kill_vnmgr()
    (made.directory / "vna.cache").unlink()
    unplug(made, "vm2")
    with process_of(made.vna()) as agent:
        agent.says("is connected")
        until(lambda: cookies(made) < whole, "what names the port that is gone is removed")
        of_vm1 = made.ovs.dump("in_port=1,table=0")
        assert of_vm1
        made.start_vnmgr()
        agent.says("in sync")
        is_as_it_must_be(made)
    assert made.ovs.dump("in_port=1,table=0") == of_vm1


def test_a_switch_that_hangs_is_said_to_where_one_looks_and_is_in_sync_when_it_goes_on(living):
    def state():
        return living.client.get("/nodes").body["vna"]["state"]

    living.ovs.signal(signal.SIGSTOP)
    try:
        until(lambda: state() == "the switch does not answer", "the nodes say so")
        (status,) = living.client.get("/interfaces/if-1").body["status"]
        assert (status["up"], status["why"]) == (False, "the switch does not answer")
    finally:
        living.ovs.signal(signal.SIGCONT)
    until(lambda: state() == "in sync", "it is in sync again")
    is_as_it_must_be(living)


def test_a_vnmgr_that_hangs_is_said_to_be_silent_and_what_was_written_then_comes(living):
    (agent,) = living.agents
    living.manager.running.send_signal(signal.SIGSTOP)
    agent.says("vnmgr is silent")
    living.manager.running.send_signal(signal.SIGCONT)
    agent.says("vnmgr is heard again")
    plug(living, "vm3")
    add(living, "interfaces", interface(3))
    is_as_it_must_be(living)
    assert change(living, "/networks/nw-1", {"display_name": "new"}).realised.hosts == ("vna",)


@pytest.mark.parametrize("round_", range(6))
def test_an_acknowledged_interface_is_in_the_switch_whenever_vna_is_killed(made, round_):
    """The kill falls wherever the write is just then; afterwards vna comes back alone."""
    for number in (1, 2, 3, 4):
        plug(made, f"vm{number}")
    agent = made.vna()
    agent.says("in sync")
    add(made, "datapaths", DATAPATH)
    add(made, "networks", NETWORK)
    acknowledged = _written_until_killed(made, agent, round_)
    made.kill_vnmgr()
    with process_of(made.vna()) as again:
        again.says("is connected")
        made.start_vnmgr()
        again.says("in sync")
        is_as_it_must_be(made)
        shown = made.client.get("/interfaces").body["items"]
        assert {row["uuid"] for row in shown} >= acknowledged


def _written_until_killed(made, agent, round_):
    """Add interfaces one after the other until vna is killed; those that were acknowledged."""
    acknowledged, first = set(), threading.Event()

    def write():
        with Client(made.client.address) as client, suppress(ClientError):
            for number in (1, 2, 3, 4):
                first.set() if number > round_ % 3 else None
                answer = client.write("POST", "/interfaces", interface(number), wait=1)
                if answer.realised.hosts and not answer.realised.lagging:
                    acknowledged.add(f"if-{number}")

    writer = threading.Thread(target=write)
    writer.start()
    first.wait()
    agent.running.send_signal(signal.SIGKILL)
    agent.end()
    made_flows = {number: made.ovs.dump(f"table=0,in_port={number}") for number in (1, 2, 3, 4)}
    writer.join()
    for uuid in acknowledged:
        assert made_flows[int(uuid[-1])] or made.ovs.dump(f"table=0,in_port={uuid[-1]}")
    return acknowledged


def test_after_a_restore_the_switch_is_as_the_backup_says(living):
    before = is_as_it_must_be(living)
    with living.client.download("/db/backup", {}) as (_, pieces):
        kept = list(pieces)
    delete(living, "/interfaces/if-1")
    add(living, "interfaces", interface(3))
    assert is_as_it_must_be(living) < before
    done = living.client.upload("/db/restore", {"replace": "true"}, kept)
    until(lambda: len(cookies(living)) == before, "the flows of vm1 are back")
    is_as_it_must_be(living)
    # The agent is on the new epoch: it acknowledges what is written now.
    answer = change(living, "/networks/nw-1", {"display_name": "new"})
    assert answer.revision.startswith(f"{done.body['epoch']}/")
    assert answer.realised.hosts == ("vna",)
