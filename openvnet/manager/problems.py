"""Why a request was refused, in words, without what is not the caller's to know."""

import logging

import msgspec

from openvnet.manager.errors import InvalidArgument, RequestRefused, Unusable
from openvnet.manager.rights import sees
from openvnet.model import RESOURCES, attributes
from openvnet.model.rights import Caller
from openvnet.model.rows import Rows
from openvnet.store.errors import StoreError, Taken
from openvnet.wire.messages import Problem, Request

logger = logging.getLogger(__name__)


def problem(request: Request, failure: Exception, caller: Caller, rows: Rows) -> Problem:
    """What a reply says of a failure; one that nobody foresaw is logged whole."""
    if isinstance(failure, Taken):
        told = sees(caller, failure.holder, rows)
        failure = _noted(InvalidArgument(taken_sentence(failure, told)), failure)
    found = _told(request, failure)
    where = "".join(getattr(failure, "__notes__", ()))
    return msgspec.structs.replace(found, message=f"{where}{found.message}")


def _told(request: Request, failure: Exception) -> Problem:
    if isinstance(failure, StoreError):
        logger.error("%s %s was not done. %s", request.verb, request.collection, failure)
        failure = Unusable(str(failure))
    if isinstance(failure, RequestRefused):
        return failure.problem()
    logger.error("%s %s failed.", request.verb, request.collection, exc_info=failure)
    return Problem("InternalError", "500", 500, "vnmgr failed; its log says how.")


def _noted(made: Exception, failure: Exception) -> Exception:
    """An exception with what was noted of another one."""
    for note in getattr(failure, "__notes__", ()):
        made.add_note(note)
    return made


def taken_sentence(taken: Taken, told: bool = True) -> str:
    """Who has what only one may have, if that may be `told`."""
    declared = attributes(type(taken.row))
    values = " with ".join(
        f"{name} {declared[name].type.show(value)}" for name, value in taken.values.items()
    )
    if not told:
        return f"{values} is taken already."
    singular = next(r.singular for r in RESOURCES if r.kind is type(taken.holder))
    interface_uuid = getattr(taken.holder, "interface_uuid", None)
    of = f" of interface {interface_uuid}" if interface_uuid else ""
    return f"{values} belongs to {singular} {taken.holder.uuid}{of} already."
