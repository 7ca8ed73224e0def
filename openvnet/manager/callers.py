"""What a caller asks, once it is known who it is; and what is told of hosts to who has none.

Hosts are the operators'. A member is told whether its interfaces are up, and not where.
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from openvnet.manager.answers import Answer
from openvnet.manager.errors import UnknownUuid
from openvnet.manager.replica import Replica
from openvnet.manager.rights import (
    caller_of,
    check_verb,
    chosen_project,
    hears,
    is_confined,
    sees,
)
from openvnet.model import DEFAULT_PROJECT, Project, Quota, Rights, Token
from openvnet.model.ownership import IN_PROJECTS
from openvnet.model.projects import COUNTED
from openvnet.model.rights import LOCAL, Caller
from openvnet.wire.messages import Realised, Request

WHERE_ABOUTS = ("packets_in", "packets_out", "drops", "realised")
"""What is told of an interface on a host to who is not told of the host."""

NOT_UP = "it is not up on any host; an operator sees why"


def admitted(request: Request, replica: Replica, now: float) -> tuple[Request, Caller]:
    """A request as it is done, and who asks; raise RequestRefused. `now` is in seconds since 1970.

    The project that it names is a uuid then, and its origin says who asks.
    """
    caller = caller_of(request, replica, now)
    if caller is not LOCAL:
        check_verb(caller, request)
    if request.project:
        word, every = request.project, replica.every(Project)
        project_uuid = chosen_project(caller, word, replica, every)
        values = {"project_uuid": project_uuid, **request.values}
        if request.verb != "list":
            values = request.values
        request = replace(request, project=project_uuid, values=values)
    who = f"{caller.name} ({caller.uuid})" if caller.uuid else caller.name
    return replace(request, origin=f"{who}, {request.origin}"), caller


def rights_of(caller: Caller, request: Request, replica: Replica) -> Rights:
    """The rights with which a request is written."""
    project_uuid = request.project or caller.project_uuid or DEFAULT_PROJECT
    return Rights(caller, project_uuid, tuple(replica.every(Quota)))


def whoami(caller: Caller, replica: Replica) -> Answer:
    """What a caller is told of itself."""
    token = replica.get(Token, caller.uuid) if caller.uuid else None
    return {
        "name": caller.name,
        "role": caller.role,
        "project_uuid": caller.project_uuid,
        "token_uuid": caller.uuid or None,
        "expires_at": token.expires_at if token else None,
        "hears": hears(caller),
    }


def usage(caller: Caller, project_uuid: str, replica: Replica) -> list[Answer]:
    """How much a project has of each collection, and how much it may have."""
    project = replica.get(Project, project_uuid)
    if project is None or not sees(caller, project, replica):
        raise UnknownUuid(f"project {project_uuid} does not exist.")
    quotas = replica.where(Quota, project_uuid=project_uuid)
    limits = {quota.resource: quota.maximum for quota in quotas}
    kinds = {resource.collection: resource.kind for resource in IN_PROJECTS}
    return [
        {
            "resource": name,
            "used": len(replica.state.members(kinds[name], "project_uuid", project_uuid)),
            "maximum": limits.get(name),
        }
        for name in COUNTED
    ]


def told_status(caller: Caller, status: Sequence[Answer]) -> list[Answer]:
    """How an interface fares, for a caller."""
    if not is_confined(caller):
        return list(status)
    return [
        {
            "node_id": None,
            "datapath_uuid": None,
            "up": bool(entry.get("up")),
            "why": "" if entry.get("up") else NOT_UP,
            **{name: entry[name] for name in WHERE_ABOUTS if name in entry},
        }
        for entry in status
    ]


def told_place(caller: Caller, places: Sequence[Answer]) -> list[Answer]:
    """Where an interface is, for a caller: as `told_status`, without asking the hosts."""
    if not is_confined(caller):
        return list(places)
    return [
        {"node_id": None, "datapath_uuid": None}
        if entry.get("node_id")
        else {"node_id": None, "datapath_uuid": None, "up": False, "why": NOT_UP}
        for entry in places
    ]


def told_realised(caller: Caller, realised: Realised) -> Realised:
    """What came of waiting, for a caller: how many hosts, and not which."""
    if not is_confined(caller):
        return realised
    late = "a host has not realised it yet; an operator sees why"
    failed = "a host could not realise all of it; an operator sees why"
    return Realised(
        realised.milliseconds,
        tuple(f"host {number}" for number, _ in enumerate(realised.hosts, 1)),
        tuple(late for _ in realised.lagging[:1]),
        tuple(failed for _ in realised.failures[:1]),
    )


def told_related(caller: Caller, shown: Answer, related: Any, replica: Replica) -> Answer:
    """An item of a relation, for a caller, who may not see what it leads to."""
    if not is_confined(caller) or related is None or sees(caller, related, replica):
        return shown
    association: Answer = shown.get("association", {})
    return {"uuid": related.uuid, "association": association}
