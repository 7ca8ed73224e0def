"""What agents, webapi and vnmgr say to each other: the one wire format (MessagePack by msgspec).

An agent and vnmgr share one ordered stream (ZeroMQ DEALER to ROUTER), so nothing falls between a
snapshot and the next change:

    agent                                  vnmgr
      Hello(roots) ------------------------>         who I am, what I must hear of
      <------------------------- Snapshot(rows)      all that I may hear of, at a revision
      <------- Update(previous, revision, rows)      what changed; `previous` shows a gap
      Acknowledge(revision) --------------->         it is in my switch
      Subscribe(serial, add, remove) ------>         a port appeared, a port went
      Present(put, remove) ---------------->         which interfaces are here that may be elsewhere
      <------------------------ Update(serial)       what that brought with it
      <--> Beat                                      I live; the latest revision is this

webapi's `Request` and vnmgr's `Reply` travel on a stream of their own.
"""

from typing import Any, Literal, TypeVar

import msgspec

from openvnet.model import Row
from openvnet.wire.joined import Manager

T = TypeVar("T")

BEAT_SECONDS = 1.0
SILENCE_SECONDS = 3.5
"""A peer that has said nothing for so long counts as gone."""


ScopeKind = Literal[
    "datapath",
    "port",
    "interface",
    "network",
    "segment",
    "members",
    "internal",
    "uplink",
    "carried",
    "end",
    "underlay",
]


class Scope(msgspec.Struct, frozen=True, array_like=True):
    """A part of the world that an agent can hear about.

    `kind` is "datapath" (name: a dpid), "port" (a port name or iface-id), or another one (a uuid).
    Agents name datapath and port scopes; vnmgr follows them to the others.
    """

    kind: ScopeKind
    name: str


class Revision(msgspec.Struct, frozen=True, array_like=True):
    """A place in the history of a store: within one epoch, numbers only grow."""

    epoch: str
    number: int


class Removed(msgspec.Struct, frozen=True, array_like=True, tag="removed"):
    """A row that is gone, or that this agent no longer hears of."""

    kind: str
    """A key of `model.KINDS`."""
    uuid: str


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """Agent: the first message of a stream, and again whenever it lost its place."""

    node_id: str
    dpid: str | None
    """Of its bridge; None while no switch is connected."""
    realised: Revision | None
    """What it holds in its cache."""
    serial: int
    roots: tuple[Scope, ...]
    version: str


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe"):
    """Agent: hear also of these roots, no more of those."""

    serial: int
    add: tuple[Scope, ...]
    remove: tuple[Scope, ...]


class Presence(msgspec.Struct, frozen=True, array_like=True):
    """An interface, and the port of the host that it is behind."""

    interface_uuid: str
    port_name: str
    speaks: bool = False
    """The guest has been heard there, although it was known to be elsewhere."""


class Present(msgspec.Struct, frozen=True, tag="present"):
    """Agent: interfaces that are on its host, and whose ports do not say so."""

    put: tuple[Presence, ...]
    remove: tuple[str, ...] = ()
    """Uuids of those that are no more."""
    all: bool = False
    """These are all there are; otherwise, they are what changed."""


class Failure(msgspec.Struct, frozen=True):
    """A row that could not be realised, and why."""

    kind: str
    uuid: str
    reason: str


class Acknowledge(msgspec.Struct, frozen=True, tag="acknowledge"):
    """Agent: all up to this revision is in the switch, but for these failures (all there are)."""

    revision: Revision
    failures: tuple[Failure, ...] = ()


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """Either side: I live. vnmgr says the newest revision that it sent on this stream."""

    revision: Revision | None = None
    state: str = ""
    """Agent: "in sync", or what it waits for in words."""
    drift: int = 0
    """Agent: flows that it found changed by others, and healed, since its start."""
    time: float = 0.0
    """By the sender's clock, in seconds since 1970; 0: it does not say."""


class Status(msgspec.Struct, frozen=True, tag="status"):
    """Agent: the answer to `AskStatus`."""

    ask: int
    interfaces: tuple["InterfaceStatus", ...]


class InterfaceStatus(msgspec.Struct, frozen=True):
    """How an interface fares on one host."""

    interface_uuid: str
    up: bool
    why: str
    """Why it is not up, in words; empty if it is."""
    port_name: str | None = None
    port_number: int | None = None
    realised: int | None = None
    """The realised revision's number."""
    packets_in: int = 0
    """From the guest."""
    packets_out: int = 0
    """To the guest."""
    drops: dict[str, int] = {}
    """Packets from the guest by the reason that they were dropped for."""


class Snapshot(msgspec.Struct, frozen=True, tag="snapshot"):
    """vnmgr: all that the agent may hear of. What is not in it does not exist."""

    serial: int
    revision: Revision
    rows: tuple[Row, ...]


class Update(msgspec.Struct, frozen=True, tag="update"):
    """vnmgr: the changes from `previous` (the last one sent on this stream) to `revision`."""

    previous: Revision
    revision: Revision
    serial: int
    """The last `Subscribe` that is taken into account."""
    put: tuple[Row, ...] = ()
    remove: tuple[Removed, ...] = ()


class AskStatus(msgspec.Struct, frozen=True, tag="ask_status"):
    """vnmgr: how do these interfaces fare?"""

    ask: int
    interfaces: tuple[str, ...]


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """vnmgr: what you sent is not heard, and why; try again later, with keys read anew."""

    why: str


class Managers(msgspec.Struct, frozen=True, tag="managers"):
    """vnmgr, to a program with a key of its own: all vnmgr that it may call; keep this."""

    managers: tuple[Manager, ...]


class Knows(msgspec.Struct, frozen=True, tag="knows"):
    """Agent: these vnmgr are kept where they outlast a restart."""

    managers: tuple[Manager, ...]


FromAgent = Hello | Subscribe | Present | Acknowledge | Beat | Status | Knows
ToAgent = Snapshot | Update | Beat | AskStatus | Refusal | Managers


class Wanted(msgspec.Struct, frozen=True):
    """A resource as a document wants it, with what is nested below it."""

    collection: str
    at: str
    """Where in the document it stands: "interfaces.if-1.mac_leases[0]"."""
    uuid: str | None = None
    values: dict[str, Any] = {}
    """What the document says of it, by name, already read; what it leaves out may be anything."""
    parts: dict[str, tuple["Wanted", ...]] = {}
    """By collection, exactly what is to be below it; a collection that is not here is let be."""


class Request(msgspec.Struct, frozen=True):
    """webapi: one call.

    `verb` is create, update, delete, show, list, nodes, changes, undo, apply, export, hear (from
    now on `News` of each revision is sent to who asks), unhear, or the name of an action.
    """

    id: int
    verb: str
    collection: str = ""
    uuid: str | None = None
    parent: str | None = None
    """The uuid that the path names before a sub-collection."""
    related: str | None = None
    """The uuid that the path of a relation ends in."""
    values: dict[str, Any] = {}
    """Attributes and parameters by name, already read by their scalars (addresses are integers)."""
    many: tuple[dict[str, Any], ...] | None = None
    """Of `create`: the values of each of several, which all become one revision, or none does."""
    wanted: tuple[Wanted, ...] = ()
    """Of `apply`: what there is to be, all of it as one revision. `values` says whether to
    `replace` what cannot be changed, and of which collections to `prune` what is not wanted."""
    limit: int = 30
    offset: int = 0
    sort: tuple[str, ...] = ()
    """Of `list`: the attributes to order by, the first first; "-" before one turns it around."""
    fields: tuple[str, ...] = ()
    """What to show of each resource, by name; all of it if empty."""
    dry_run: bool = False
    """Check and answer all, and then write nothing."""
    if_match: tuple[str, ...] = ()
    """The ETags of which the resource must have one; "*": it must exist."""
    key: str = ""
    """Whoever repeats a write with its key gets the answer of the first, and writes nothing."""
    wait: float | None = None
    """Seconds to wait until every live host concerned has acknowledged; None: do not wait."""
    origin: str = ""
    """From where it was asked, for the revision log; vnmgr adds who it was."""
    token: str = ""
    """The SHA-256 of the caller's token, in hexadecimal digits; empty: it needs none."""
    project: str = ""
    """The project that is made for or listed, by uuid or display name; empty: as it follows."""
    seen: Revision | None = None
    """The newest that who asks was ever told of: what is answered is not older."""


class Realised(msgspec.Struct, frozen=True):
    """What came of waiting."""

    milliseconds: float
    hosts: tuple[str, ...] = ()
    """Node ids of the live hosts that were concerned and have acknowledged."""
    lagging: tuple[str, ...] = ()
    """Those that have not, with the reason in words where it is known: "node: reason"."""
    failures: tuple[str, ...] = ()
    """What hosts reported as refused, in words."""


class Problem(msgspec.Struct, frozen=True):
    """Why a request was refused, as REST says it."""

    error: str
    code: str
    status: int
    message: str


class News(msgspec.Struct, frozen=True, tag="news"):
    """vnmgr: a revision, to those who asked with `hear`, as it is committed."""

    previous: int
    """The number of the one before it; if that has not come, something was lost."""
    revision: Revision
    told: dict[str, Any]
    """What it did, as people see it."""
    audiences: tuple[tuple[str, ...], ...] = ()
    """Who may hear of each change: of those who listen, whose `hears` is among these words."""
    ended: tuple[str, ...] = ()
    """The uuids of tokens that are no longer good."""


class Reply(msgspec.Struct, frozen=True, tag="reply"):
    """vnmgr: the answer to the request with this id; `result` is what JSON shows."""

    id: int
    result: Any = None
    problem: Problem | None = None
    revision: Revision | None = None
    """Of a write; of `nodes`, the newest."""
    realised: Realised | None = None
    changed: bool = True
    """Of a write: whether it made that revision, or everything was so already."""
    etag: str = ""
    """Of the one resource that the result shows: two that are equal have the same."""


def encode(message: Any) -> bytes:
    """The bytes of any message."""
    return _ENCODER.encode(message)


def read_from_agent(data: bytes) -> FromAgent:
    """Read what an agent sent; raise `msgspec.DecodeError` on anything else."""
    return _read(_FROM_AGENT, data)


def read_to_agent(data: bytes) -> ToAgent:
    """Read what vnmgr sent to an agent; raise as `read_from_agent` does."""
    return _read(_TO_AGENT, data)


def read_request(data: bytes) -> Request:
    """Read what webapi sent; raise as `read_from_agent` does."""
    return _read(_REQUEST, data)


def read_reply(data: bytes) -> Reply | News | Refusal | Managers:
    """Read what vnmgr sent to webapi; raise as `read_from_agent` does."""
    return _read(_REPLY, data)


def _read(decoder: msgspec.msgpack.Decoder[T], data: bytes) -> T:
    try:
        return decoder.decode(data)
    except (RecursionError, UnicodeDecodeError) as error:
        raise msgspec.DecodeError(str(error)) from error


_ENCODER = msgspec.msgpack.Encoder()
_FROM_AGENT: msgspec.msgpack.Decoder[FromAgent] = msgspec.msgpack.Decoder(FromAgent)
_TO_AGENT: msgspec.msgpack.Decoder[ToAgent] = msgspec.msgpack.Decoder(ToAgent)
_REQUEST = msgspec.msgpack.Decoder(Request)
_REPLY: msgspec.msgpack.Decoder[Reply | News | Refusal | Managers] = msgspec.msgpack.Decoder(
    Reply | News | Refusal | Managers
)
