"""Backups and restores, against a running vnmgr and agents that hear its streams."""

import asyncio
import json
import time
from contextlib import ExitStack, contextmanager

import msgspec
import pytest

from openvnet.consistency import Known
from openvnet.manager.errors import InvalidArgument
from openvnet.manager.main import serving
from openvnet.manager.restoring import LONGEST, Restoring
from openvnet.model import (
    DatapathNetwork,
    Interface,
    IpLease,
    MacLease,
    Network,
    Node,
    Project,
    Segment,
    Token,
)
from openvnet.model.belonging import DEFAULT_PROJECT
from openvnet.wire.backup import Stored
from openvnet.wire.joined import new_pair
from openvnet.wire.messages import Request
from tests.vnmgr import House, furnished, guest, house, in_house, mac


async def begun(here, **values):
    return await here.call("backup", values=values)


async def ended(here, first):
    """The text of a backup that was begun."""
    text, over = first["text"], False
    while not over:
        part = await here.call("backup", values={"number": first["number"]})
        text, over = text + part["text"], part["over"]
    return text


async def backup(here, **values):
    return await ended(here, await begun(here, **values))


async def given(here, text, size=100, **values):
    """The number of a restore that was given a text in pieces."""
    number = (await here.call("restore", values=values))["number"]
    for start in range(0, len(text), size):
        piece = text[start : start + size]
        await here.call("restore", values={"number": number, "text": piece})
    return number


async def restore(here, text, **values):
    number = await given(here, text, **values)
    return await here.call("restore", values={"number": number, **values}, origin="root")


async def shown(here):
    """All that lists show."""
    names = ("datapaths", "networks", "interfaces", "mac_leases", "ip_leases")
    return [(await here.call("list", name, limit=1000))["items"] for name in names]


@in_house
async def test_a_backup_is_of_one_revision_whatever_is_written_meanwhile(here):
    await guest(here, 1)
    before = await shown(here)
    first = await begun(here)
    await guest(here, 2)
    await here.call("delete", "networks", "nw-1")
    text = await ended(here, first)
    assert await shown(here) != before
    await restore(here, text, replace=True)
    assert await shown(here) == before


def test_what_is_restored_elsewhere_is_what_was_backed_up_with_its_order_and_its_log(tmp_path):
    async def run():
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
        async with furnished(tmp_path / "one") as one:
            for number in (3, 1, 2):
                await guest(one, number)
            text = await backup(one, history=True)
            with house(tmp_path / "other") as other:
                await same(one, other, text)

    async def same(one, other, text):
        done = await restore(other, text)
        assert done["restored"]
        assert await shown(other) == await shown(one)
        assert [item["uuid"] for item in (await shown(other))[2]] == ["if-3", "if-1", "if-2"]
        told = (await other.call("changes", values={"before": 99}))["items"]
        assert told[0]["revision"] == done["revision_of_backup"] + 1
        assert told[0]["changes"] == []
        assert told[0]["asked_by"].startswith("local, root: restored revision 6 of ")
        assert told[1:] == (await one.call("changes", values={"before": 99}))["items"]
        refused = await other.call.refused("undo", values={"revision": 7})
        assert "cannot be undone" in refused.message
        # Numbers go on after it, and nothing is allotted twice.
        made = await other.call.create("networks", uuid="nw-9", ipv4_network=0)
        assert made["vni"] == 3

    asyncio.run(run())


@contextmanager
def house_on(directory, url):
    """vnmgr with its rows in a database of another kind."""
    directory.mkdir()
    with serving(url, directory), ExitStack() as closing:
        yield House(directory, closing)


def test_it_is_the_same_in_all_databases(tmp_path, mariadb, postgresql):
    async def run():
        async with furnished(tmp_path) as here:
            for number in (3, 1):
                await guest(here, number)
            before, text = await shown(here), await backup(here, history=True)
        for number, url in enumerate((mariadb.database(), postgresql.database())):
            with house_on(tmp_path / str(number), url) as other:
                await restore(other, text)
                assert await shown(other) == before
                again = await backup(other, history=True)
                assert rows_of(again) == rows_of(text)
                await restore(other, again, replace=True)
                assert await shown(other) == before
                text = again

    asyncio.run(run())


def rows_of(text):
    lines = [line for line in text.splitlines() if line.startswith(b"[")]
    return [msgspec.json.decode(line, type=Stored) for line in lines]


@in_house
async def test_an_agent_hears_all_anew_by_the_new_epoch_and_then_each_change(here):
    await guest(here, 1)
    ears = await here.ears("vm1", "vm2")
    text, epoch = await backup(here), ears.revision.epoch
    heard = dict(ears.rows)
    await here.call("delete", "interfaces", "if-1")
    await guest(here, 2)
    await ears.until(lambda: ears.rows.keys() != heard.keys())
    reply = await restore(here, text, replace=True)
    await ears.until(lambda: ears.revision.epoch != epoch)
    assert (ears.revision.epoch, ears.rows) == (reply["epoch"], heard)
    await guest(here, 2)
    await ears.until(lambda: (Interface, "if-2") in ears.rows)
    assert ears.revision.number == reply["revision_of_backup"] + 2


async def secrets(here):
    """What lets somebody in now: the tokens that have not ended, and the keys of nodes."""
    ended = {item["uuid"] for item in (await here.call("list", "tokens"))["items"] if is_over(item)}
    rows = [row for row in rows_of(await backup(here)) if type(row[1]) in (Token, Node)]
    return {
        getattr(row, "digest", None) or row.public_key for _, row in rows if row.uuid not in ended
    } - {None}


def is_over(token):
    return token["expires_at"] is not None and token["expires_at"] <= time.time()


async def joined(here, name):
    """A node that has joined; its key."""
    keys = [new_pair()[0] for _ in range(2)]
    await here.call.create("nodes", uuid=f"node-{name}", node_id=name, token_key=keys[0])
    await here.call("accept", "nodes", f"node-{name}", values={"public_key": keys[1]})
    return keys[1]


@in_house
async def test_a_restore_lets_nobody_in_who_was_thrown_out_since(here):
    for name in ("stays", "goes"):
        values = {"uuid": f"tok-{name}", "display_name": name, "role": "admin", "digest": name * 8}
        await here.call("create", "tokens", values=values)
    keys = {name: await joined(here, name) for name in ("stays", "revoked", "deleted", "renews")}
    text = await backup(here)
    await here.call("delete", "tokens", "tok-goes")
    await here.call("revoke", "nodes", "node-revoked")
    await here.call("delete", "nodes", "node-deleted")
    other = new_pair()[0]
    await here.call("renew", "nodes", "node-renews", values={"public_key": other})
    good = {"stays" * 8, keys["stays"], other}
    assert await secrets(here) == good
    for _ in range(2):  # The log that said it is gone the second time.
        done = await restore(here, text, replace=True)
        assert sorted(done["stays_revoked"]) == ["node-deleted", "node-revoked", "tok-goes"]
        assert await secrets(here) == good


def test_another_database_lets_in_whom_the_backup_does(tmp_path):
    async def run():
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
        async with furnished(tmp_path / "one") as one:
            values = {"uuid": "tok-1", "display_name": "one", "role": "admin", "digest": "d" * 64}
            await one.call("create", "tokens", values=values)
            good = {"d" * 64, await joined(one, "vna2")}
            text = await backup(one)
            async with furnished(tmp_path / "other") as other:
                assert (await restore(other, text, replace=True))["stays_revoked"] == []
                assert await secrets(other) == good

    asyncio.run(run())


@in_house
async def test_a_restore_forgets_idempotency_keys(here):
    ask = here.call.rpc.ask
    text = await backup(here)
    values = {"uuid": "nw-9", "ipv4_network": 0}
    once = Request(0, "create", "networks", values=values, key="k")
    first = await ask(once)
    await restore(here, text, replace=True)
    again = await ask(once)
    assert (first.changed, again.changed, again.problem) == (True, True, None)
    assert again.revision.epoch != first.revision.epoch


@in_house
async def test_what_is_there_is_replaced_only_if_that_is_said(here):
    text = await backup(here)
    refused = await here.call.refused("restore")
    assert refused.status == 409
    assert "not empty: it has 3 rows at revision 3" in refused.message
    number = await given(here, text, replace=True)
    refused = await here.call.refused("restore", values={"number": number})
    assert refused.status == 409
    refused = await here.call.refused("restore", values={"number": number})
    assert "not under way" in refused.message


@in_house
async def test_a_rehearsal_checks_all_and_changes_nothing(here):
    text = await backup(here)
    await here.call("delete", "networks", "nw-2")
    before = await shown(here)
    number = await given(here, text, replace=True)
    reply = await here.call.rpc.ask(
        Request(0, "restore", values={"number": number, "replace": True}, dry_run=True)
    )
    assert (reply.result["restored"], reply.result["rows"]) == (False, 4)
    assert await shown(here) == before


@in_house
async def test_who_asks_for_too_many_at_once_is_refused(here):
    for _ in range(8):
        await begun(here)
    assert "8 backups or restores are under way" in (await here.call.refused("backup")).message


def test_a_file_that_is_not_whole_and_right_is_refused_before_anything_changes(tmp_path):
    async def run():
        async with furnished(tmp_path) as here:
            await guest(here, 1)
            text = await backup(here)
            before = await shown(here)
            for broken, words in broken_ones(text):
                reply = await attempt(here, broken)
                assert reply.status == 400
                assert words in reply.message
                assert await shown(here) == before
            assert (await here.call("health"))["revision"] == 4

    asyncio.run(run())


async def attempt(here, text):
    number = (await here.call("restore", values={"replace": True}))["number"]
    reply = await here.call.reply("restore", values={"number": number, "text": text})
    if reply.problem is None:
        reply = await here.call.reply("restore", values={"number": number, "replace": True})
    assert reply.problem is not None
    return reply.problem


def broken_ones(text):
    lines = text.splitlines(keepends=True)
    yield b"", "cut short"
    yield b"hello\n", "no backup"
    yield b"".join(lines[:-1]), "cut short"
    yield text[:-3], "cut short"
    yield b"".join(lines[:2] + lines[3:]), "checksum"
    yield text.replace(b'"if-1"', b'"if-2"'), "checksum"
    yield text + lines[1], "after its end"
    yield text.replace(b'"kind":"network"', b'"kind":"knitwork"'), "Line 4"
    yield text.replace(b'"version":1', b'"version":2'), "later release"
    yield text.replace(b'"schema":"0', b'"schema":"7'), "later release"
    yield signed(lines, lambda line: line.replace(b"nw-1", b"nw-8")), "network_uuid nw-1: there is"
    yield signed(lines, lambda line: line.replace(b'"vni":2', b'"vni":1')), "vni 1 belongs to"


def signed(lines, changed=lambda line: line):
    """A backup of which a network's line was changed, and the checksum made right again."""
    restoring = Restoring()
    made = [changed(line) if b'"uuid":"nw-' in line else line for line in lines[:-1]]
    for line in made:
        restoring.feed(line)
    end = {**json.loads(lines[-1]), "blake2b": restoring._digest.hexdigest()}
    return b"".join(made) + json.dumps(end, separators=(",", ":")).encode() + b"\n"


@in_house
async def test_a_backup_of_an_earlier_release_gets_the_defaults_of_what_it_did_not_know(here):
    await here.call.create("projects", uuid="pj-1", display_name="of today")
    header = {
        **{"format": "openvnet-backup", "version": 1, "openvnet": "0", "schema": "0001"},
        **{"epoch": "e", "revision": 1, "time": "2026-01-01T00:00:00+00:00"},
    }
    row = {"kind": "interface", "uuid": "if-1", "mode": "vif"}
    lines = [json.dumps(line).encode() + b"\n" for line in (header, [1, row])]
    await restore(here, signed([*lines, b'{"end":true,"rows":1,"lines":0}']), replace=True)
    assert (await here.call("show", "interfaces", "if-1"))["project_uuid"] == "pj-default"
    assert {item["uuid"] for item in (await here.call("list", "projects"))["items"]} == {
        *("pj-default", "pj-1"),
    }


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (Network(uuid="nw-1", ipv4_network=0, vni=9), "uuid nw-1 is that of another network"),
        (Network(uuid="nw-2", ipv4_network=-1, vni=2), "ipv4_network"),
        (Network(uuid="nw-2", ipv4_network=0, mode="x", vni=2), "mode x must be one of virtual"),
        (Segment(uuid="seg-1", mode="virtual", vni=1), "vni 1 belongs to network nw-1 already"),
        (IpLease(uuid="il-1", network_uuid=None, ipv4_address=1), "network_uuid is missing"),
        (IpLease(uuid="il-1", network_uuid="nw-7", ipv4_address=1), "there is no such network"),
        (
            DatapathNetwork(
                **{"uuid": "dpnw-1", "datapath_uuid": "dp-1", "network_uuid": "nw-1"},
                **{"interface_uuid": "if-1", "mac_address": mac(1)},
            ),
            "datapath_uuid dp-1: there is no such datapath",
        ),
        (
            MacLease(uuid="ml-2", interface_uuid=None, mac_address=mac(1)),
            "mac_address 52:54:00:00:00:01 belongs to MAC lease ml-1 already",
        ),
    ],
)
def test_what_may_not_be_beside_the_rows_that_are_there_is_said_in_words(row, words):
    known = Known()
    assert not known.add(Project(uuid=DEFAULT_PROJECT))
    assert not known.add(Network(uuid="nw-1", ipv4_network=0, vni=1))
    assert not known.add(MacLease(uuid="ml-1", interface_uuid=None, mac_address=mac(1)))
    assert words in known.add(row)


def test_a_line_without_an_end_is_not_collected_for_ever():
    restoring = Restoring()
    restoring.feed(b"x" * LONGEST)
    with pytest.raises(InvalidArgument, match="too long"):
        restoring.feed(b"x")
