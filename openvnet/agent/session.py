"""An agent's conversations beside its turns: with vnmgr, with OVSDB, and about how it fares."""

import asyncio
import logging
import time
from collections.abc import Callable

import msgspec

from openvnet.agent.agent import Agent
from openvnet.agent.inbox import Identities
from openvnet.agent.status import interface_status
from openvnet.model.facts import TUNNEL_PORTS
from openvnet.model.wanted import TunnelPort
from openvnet.openflow.errors import OpenFlowError
from openvnet.ovsdb.client import Database, connect
from openvnet.ovsdb.driver import MONITORED, bonds, identities, is_of_use, write_settings
from openvnet.ovsdb.errors import OvsdbError
from openvnet.ovsdb.tunnels import again, tunnels, write_tunnels
from openvnet.pipeline.tables import Table
from openvnet.wire.joined import Manager
from openvnet.wire.keys import KeysError
from openvnet.wire.messages import (
    BEAT_SECONDS,
    SILENCE_SECONDS,
    AskStatus,
    Beat,
    Knows,
    Managers,
    Refusal,
    Revision,
    Snapshot,
    Status,
    Update,
)
from openvnet.wire.stream import Stream

log = logging.getLogger(__name__)

AUDIT_SECONDS = 1.0
AUDIT_SLICES = 64
"""The flows are compared with what is desired a slice at a time, all of them in about a minute."""

RETRY_SECONDS = 1.0
AGAIN_SECONDS = 10.0
"""After how long Open vSwitch is asked to try again to make a tunnel port."""

TABLE_NAMES = {table.value: table.name for table in Table}


CLOCK_SECONDS = 30.0
"""How far this host's clock may be from vnmgr's before it is said to be wrong."""

Keep = Callable[[tuple[Manager, ...]], None]
"""Keeps where vnmgr is, for the next start; raises OSError."""


async def listen_to_vnmgr(agent: Agent, stream: Stream, keep: Keep = lambda _: None) -> None:
    """Take what vnmgr says; ask anew whenever something is missing, at its next beat."""
    received: Revision | None = None
    clock_was_right = True
    answering: set[asyncio.Task[None]] = set()
    while True:
        try:
            async with asyncio.timeout(SILENCE_SECONDS if agent.hears_vnmgr else None):
                message = await stream.receive()
        except TimeoutError:
            agent.hears_vnmgr = False
            log.warning("vnmgr is silent: what is known stays in force; changes will come later")
            stream.elsewhere()
            continue
        except msgspec.DecodeError as error:
            log.warning("vnmgr sent what cannot be read: %s", error)
            received = None  # Asked for at once, it would come again at once.
            continue
        if not agent.hears_vnmgr:
            agent.hears_vnmgr = True
            log.info("vnmgr is heard again")
        if isinstance(message, Beat) and message.time:
            behind = message.time - time.time()
            if clock_was_right and abs(behind) > CLOCK_SECONDS:
                log.warning(
                    "this host's clock is %.0f s %s vnmgr's; changes are not affected, but times "
                    "in logs are",
                    abs(behind),
                    "behind" if behind > 0 else "ahead of",
                )
            clock_was_right = abs(behind) <= CLOCK_SECONDS
        match message:
            case Refusal(why):
                received = None
                agent.refuse(why)
            case Managers(managers):
                _keep(managers, stream, keep)
            case Snapshot() | Update():
                agent.refused_by_vnmgr = ""
                received = message.revision
                agent.inbox.put(message)
            case Beat(revision) if revision is None or revision != received:
                received = None
                agent.say_hello()
            case AskStatus():
                task = asyncio.create_task(_answer(agent, stream, message))
                answering.add(task)
                task.add_done_callback(answering.discard)


def _keep(managers: tuple[Manager, ...], stream: Stream, keep: Keep) -> None:
    try:
        keep(managers)
        stream.send(Knows(managers))
    except (OSError, KeysError) as error:
        log.error("where vnmgr is cannot be written down: %s", error)


async def _answer(agent: Agent, stream: Stream, question: AskStatus) -> None:
    statuses = [await interface_status(agent, uuid) for uuid in question.interfaces]
    stream.send(Status(question.ask, tuple(statuses)))


async def beat(agent: Agent) -> None:
    """Beat for ever."""
    while True:
        agent.beat()
        await asyncio.sleep(BEAT_SECONDS)


async def audit(agent: Agent) -> None:
    """Compare the switch with what is desired, slice after slice, beside the flow monitor."""
    number = 0
    while True:
        await asyncio.sleep(AUDIT_SECONDS)
        if agent.switch is None or not agent.swept:
            continue
        try:
            await agent.switch.audit(number, AUDIT_SLICES)
        except OpenFlowError as error:
            log.warning("the audit of the flows was cut short: %s", error)
        number = (number + 1) % AUDIT_SLICES


async def follow_ovsdb(agent: Agent, address: str, *, may_set_fail_mode: bool) -> None:
    """Hear of iface-ids, and keep the bridge's settings as they must be; reconnect for ever."""
    said = ""
    while True:
        try:
            database = await connect(address)
            said = ""
            await _follow(agent, database, may_set_fail_mode)
        except (OSError, OvsdbError) as error:
            if str(error) != said:
                said = str(error)
                log.warning("OVSDB at %s: %s", address, error)
        await asyncio.sleep(RETRY_SECONDS)


async def _follow(agent: Agent, database: Database, may_set_fail_mode: bool) -> None:
    changed, tables = asyncio.Event(), database.tables
    refused: dict[str, str] = {}

    async def react() -> None:
        nonlocal refused
        known: Identities | None = None
        while True:
            await _changed_or_tried(agent, database, changed)
            agent.on_wanted = changed.set  # Not before OVSDB has told what there is.
            ports = dict(refused)
            if agent.dpid is not None:  # It is kept, also while no switch is connected.
                ports |= tunnels(tables, agent.dpid, TUNNEL_PORTS.values())
            if (found := Identities(identities(tables), bonds(tables), ports)) != known:
                known = found
                agent.inbox.put(found)
            if agent.switch is not None:
                await _write_settings(agent, database, agent.switch.dpid, may_set_fail_mode)
                if (why := await _write_tunnels(agent, database)) != refused:
                    refused = why
                    changed.set()

    reacting = asyncio.create_task(react())
    try:
        running = asyncio.create_task(database.run(MONITORED, changed.set, is_of_use))
        await asyncio.wait({reacting, running}, return_when=asyncio.FIRST_COMPLETED)
        for task in (reacting, running):
            if task.done():
                task.result()
    finally:
        agent.on_wanted = lambda: None
        reacting.cancel()
        running.cancel()


async def _changed_or_tried(agent: Agent, database: Database, changed: asyncio.Event) -> None:
    """Return when something has changed; meanwhile let Open vSwitch try what it could not do."""
    while not changed.is_set():
        operations = again(database.tables, agent.dpid) if agent.dpid else []
        try:
            async with asyncio.timeout(AGAIN_SECONDS if operations else None):
                await changed.wait()
        except TimeoutError:
            await database.transact(operations)
    changed.clear()


async def _write_settings(
    agent: Agent, database: Database, dpid: str, may_set_fail_mode: bool
) -> None:
    overlooked, agent.switch_was_empty = agent.switch_was_empty, False
    secure = may_set_fail_mode and agent.swept
    for sentence in await write_settings(
        database, dpid, TABLE_NAMES, secure=secure, overlooked=overlooked
    ):
        log.info("%s", sentence)


async def _write_tunnels(agent: Agent, database: Database) -> dict[str, str]:
    """Give the bridge the tunnel ports that it needs; return why some could not be made."""
    if agent.dpid is None:
        return {}
    wanted = {port.name: port.encapsulation for port in agent.wanted.of(TunnelPort)}
    done, refused = await write_tunnels(database, agent.dpid, wanted, may_remove=agent.swept)
    for sentence in done:
        log.info("%s", sentence)
    return refused
