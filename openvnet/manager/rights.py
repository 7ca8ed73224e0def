"""Who asks, what they may see and do, and how much their project may have.

A confined caller sees what is of its project, and networks that are shared with it; whatever else
there is does not exist for it. All that it is refused in other words is of what it sees. What it
writes is held against its rights twice: by name before anything is done, and row by row after all
is done, whichever way a row came to be touched.
"""

from collections.abc import Iterable, Iterator, Mapping
from hmac import compare_digest
from typing import Any

from openvnet.manager.errors import (
    Conflict,
    Forbidden,
    InvalidArgument,
    QuotaExceeded,
    Unauthenticated,
    UnknownUuid,
)
from openvnet.manager.replica import Replica
from openvnet.model import (
    RESOURCES,
    InterfacePort,
    Network,
    NetworkProject,
    Project,
    Resource,
    Row,
    Token,
)
from openvnet.model.operations import reader_of, writer_of
from openvnet.model.ownership import BY_KIND, IN_PROJECTS, project_of
from openvnet.model.rights import LOCAL, Caller, reserved
from openvnet.model.rows import Rows
from openvnet.store.transaction import Change, Transaction
from openvnet.wire.messages import Request

READERS = {resource.kind: reader_of(resource) for resource in RESOURCES}
WRITERS = {resource.kind: writer_of(resource) for resource in RESOURCES}
_COUNTED = {resource.kind for resource in IN_PROJECTS}
_COLLECTIONS = {resource.collection: resource.kind for resource in RESOURCES}

VERBS: Mapping[str, str] = {
    "changes": "viewer",
    "export": "viewer",
    "usage": "viewer",
    "undo": "member",
    "apply": "member",
    "nodes": "operator",
    "metrics": "operator",
    "backup": "admin",
    "restore": "admin",
}
"""The least role for what is done with no resource in particular."""

READING = ("changes", "export", "usage", "nodes", "metrics")
"""Of these, those that write nothing."""

EVERYBODYS = ("health", "whoami", "hear", "unhear")
"""What webapi asks of its own, and what says only who one is."""


def caller_of(request: Request, replica: Replica, now: float) -> Caller:
    """Who asks; raise Unauthenticated."""
    if not request.token:
        return LOCAL
    for uuid in replica.state.members(Token, "digest", request.token):
        token = replica.get(Token, str(uuid))
        if token is None or not compare_digest(token.digest, request.token):
            continue
        if token.expires_at is not None and token.expires_at <= now:
            raise Unauthenticated("The token has expired. Ask an admin for another.")
        return Caller(token.display_name, token.role, token.project_uuid, token.uuid)
    raise Unauthenticated("The token is not known, or was revoked. Ask an admin for another.")


def check_verb(caller: Caller, request: Request) -> None:
    """Refuse what a role may not ask at all."""
    verb = request.verb
    if caller.role == "admin" or verb in EVERYBODYS:
        return
    if verb in VERBS:
        held = caller.reads_as if verb in READING else caller.role
        _demand(caller, VERBS[verb], f"{verb} is for", held)
    elif verb in ("show", "list"):
        kind = _COLLECTIONS.get(request.collection)
        if kind is not None and not _reads(caller, kind):
            _demand(caller, READERS[kind], f"{_words(BY_KIND[kind])} are read by")
    else:
        kind = _COLLECTIONS.get(request.collection)
        _demand(caller, WRITERS[kind] if kind else "member", f"{_what(request)} written by")


def _what(request: Request) -> str:
    return f"{request.collection.replace('_', ' ')} are"


def check_writer(transaction: Transaction, resource: Resource) -> None:
    """Refuse the writing of a resource to whose role it is not open."""
    caller = transaction.rights.caller
    if caller.role != "admin":
        _demand(caller, WRITERS[resource.kind], f"{_words(resource)} are written by")


def check_word(transaction: Transaction, name: str, role: str) -> None:
    """Refuse an attribute that not every writer may say."""
    caller = transaction.rights.caller
    if role and caller.role != "admin":
        _demand(caller, role, f"{name} is said by")


def _demand(caller: Caller, role: str, what: str, held: str = "") -> None:
    if not Caller("", held or caller.role).is_at_least(role):
        raise Forbidden(f"{what} the role {role}, and your token has the role {caller.role}.")


def _words(resource: Resource) -> str:
    return resource.collection.replace("_", " ")


def _reads(caller: Caller, kind: type[Any]) -> bool:
    return Caller("", caller.reads_as).is_at_least(READERS[kind])


def is_confined(caller: Caller) -> bool:
    """Whether there is anything that a caller does not see."""
    return caller.project_uuid is not None


def sees(caller: Caller, row: Row, rows: Rows) -> bool:
    """Whether a row exists for a caller."""
    if caller.role == "admin":
        return True
    if not _reads(caller, type(row)):
        return False
    return caller.project_uuid is None or is_own(caller, row, rows) or is_shared(caller, row, rows)


def is_own(caller: Caller, row: Row, rows: Rows) -> bool:
    """Whether a row is of the caller's project; all are, of who is not confined."""
    return caller.project_uuid is None or caller.project_uuid == project_of(row, rows.get)


def is_of(caller: Caller, row: Row, rows: Rows) -> bool:
    """Whether a row is one that the caller sees, and its project's."""
    return sees(caller, row, rows) and is_own(caller, row, rows)


def is_shared(caller: Caller, row: Row, rows: Rows) -> bool:
    """Whether a row is a network that the caller's project may use."""
    return isinstance(row, Network) and (
        row.shared
        or any(
            share.project_uuid == caller.project_uuid
            for share in rows.where(NetworkProject, network_uuid=row.uuid)
        )
    )


def check_own(caller: Caller, row: Row, rows: Rows) -> None:
    """Refuse to touch what a caller sees, but is not its project's."""
    if not is_own(caller, row, rows):
        raise Forbidden(
            f"{BY_KIND[type(row)].singular} {row.uuid} is shared with your project, which may use "
            "it, and not change it."
        )


def check_token(transaction: Transaction) -> None:
    """Refuse who has a token that is no longer there: another vnmgr may have revoked it."""
    uuid = transaction.rights.caller.uuid
    if uuid and transaction.get(Token, uuid) is None:
        raise Unauthenticated("The token was revoked. Ask an admin for another.")


def check_changes(transaction: Transaction, verb: str) -> None:
    """Refuse a write that touched what is not its caller's, or said what is not its to say."""
    caller = transaction.rights.caller
    if caller.role == "admin":
        return
    changes = transaction.changes()
    # What is renamed goes and comes, and what an operator said of it stays said.
    renamed = [each.before for each in changes if verb == "rename" and each.before]
    said = {what for row in renamed for what in reserved(row)}
    for change in changes:
        if verb == "undo":
            _check_undone(caller, change)
        if caller.project_uuid is not None:
            _check_touched(caller, change)
        if change.after is not None and not caller.is_at_least("operator"):
            _check_reserved(change, said)


def _check_touched(caller: Caller, change: Change) -> None:
    """What only operators write may follow from a write, such as what datapaths carry."""
    foreign = set(change.projects.split()) - {caller.project_uuid}
    if foreign and WRITERS[change.kind] in ("viewer", "member"):
        raise Conflict("Another project uses it; ask an operator.")


def _check_reserved(change: Change, said: set[tuple[str, Any, str]]) -> None:
    had = said | (set() if change.before is None else set(reserved(change.before)))
    for name, value, role in reserved(change.after):
        if (name, value, role) not in had:
            shown = str(value).lower() if isinstance(value, bool) else value
            raise Forbidden(f"{name} {shown} is said by the role {role}.")


def _check_undone(caller: Caller, change: Change) -> None:
    """An undoing brings back nothing that its caller could not write."""
    restricted = WRITERS[change.kind] == "admin"
    bound = isinstance(change.after, InterfacePort) and (
        change.after.port_name or change.after.datapath_uuid
    )
    if restricted or (bound and not caller.is_at_least("operator")):
        raise Forbidden(
            f"The revision changed {BY_KIND[change.kind].singular} {change.uuid}, which takes a "
            "role that your token has not."
        )


def check_quotas(transaction: Transaction) -> None:
    """Refuse a write that gives a project more than it may have."""
    quotas = transaction.rights.quotas
    if not quotas:
        return
    limits = {(each.project_uuid, _COLLECTIONS[each.resource]): each for each in quotas}
    arrived: dict[tuple[str, type[Any]], int] = {}
    for change in transaction.changes():
        if change.kind not in _COUNTED or change.after is None:
            continue
        project_uuid = project_of(change.after, transaction.get)
        if change.before is None or project_of(change.before, transaction.get) != project_uuid:
            key = project_uuid, change.kind
            arrived[key] = arrived.get(key, 0) + 1
    for key, count in arrived.items():
        if (quota := limits.get(key)) is not None:
            there = transaction.count(key[1], quota.maximum + count, project_uuid=key[0])
            if there > quota.maximum:
                raise QuotaExceeded(
                    f"Project {quota.project_uuid} may have {quota.maximum} {quota.resource} "
                    f"(quota {quota.uuid}); it has {there - count}, and this would be {count} more."
                )


def chosen_project(caller: Caller, word: str, rows: Rows, every: Iterable[Project]) -> str:
    """The uuid of the project that a caller names, by its uuid or its display name."""
    found = rows.get(Project, word)
    if found is not None and sees(caller, found, rows):
        return found.uuid
    named = [each for each in every if each.display_name == word and sees(caller, each, rows)]
    if len(named) > 1:
        uuids = ", ".join(each.uuid for each in named)
        raise InvalidArgument(f"project {word}: several are called so; name one by uuid: {uuids}.")
    if not named:
        raise UnknownUuid(f"project {word} does not exist.")
    return named[0].uuid


def audience(change: Change) -> tuple[str, ...]:
    """Who may hear of a change: the roles that read everything, and projects by their uuids."""
    role = READERS[change.kind]
    if role == "admin":
        return ("admin",)
    if role == "operator":
        return ("admin", "operator")
    return ("admin", "operator", *change.projects.split())


def hears(caller: Caller) -> str:
    """The word of `audience` that stands for a caller."""
    return caller.project_uuid or caller.reads_as


def is_told(caller: Caller, change: Change) -> bool:
    """Whether a caller hears of a change."""
    return hears(caller) in audience(change)


def told_to(caller: Caller, changes: Iterable[Change]) -> list[Change]:
    """The changes that a caller hears of; of what came from another project, or went, its side."""
    told = [change for change in changes if is_told(caller, change)]
    if caller.project_uuid is None:
        return told
    return [_side(change, caller.project_uuid) for change in told]


def _side(change: Change, project_uuid: str) -> Change:
    before, after = (
        None if row and getattr(row, "project_uuid", project_uuid) != project_uuid else row
        for row in (change.before, change.after)
    )
    return change._replace(before=before, after=after)


def ended(changes: Iterable[Change]) -> Iterator[str]:
    """The uuids of the tokens that are no longer good."""
    return (each.uuid for each in changes if each.kind is Token and each.after is None)


def is_operators(change: Change) -> bool:
    """Whether only operators write such rows: what becomes of them follows from what others do."""
    return READERS[change.kind] == "operator"
