"""What a client may say of a list: which part of it, which items, in which order, and what of each.

GET /interfaces?network_uuid=nw-1&mode=vif&sort=-created,display_name&fields=uuid&limit=10
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from openvnet.api.errors import InvalidArgument, nearest, shown
from openvnet.api.reading import LIMIT, OFFSET, scalar_value
from openvnet.api.shown import SHOWN
from openvnet.model.filters import filters
from openvnet.model.operations import named_by
from openvnet.model.resource import Attribute, Resource, attributes

PAGING = ("limit", "offset", "sort", "fields")
"""Parameters of a list beside its filters."""

CREATED = "created"
"""What lists can be sorted by beside attributes: the revision that made a row."""


class Listing(NamedTuple):
    """What is wanted of a list."""

    limit: int
    offset: int
    sort: tuple[str, ...]
    fields: tuple[str, ...]
    values: dict[str, Any]
    """Filters by name, as rows hold them; None for what a resource must not have."""


def listing(resource: Resource, given: Mapping[str, Any], limit: int) -> Listing:
    """Read what was given; `limit` is for those who do not say how many items they want."""
    known = filters(resource)
    for name in given:
        if name not in known and name not in PAGING:
            hint = nearest(name, [*known, *PAGING])
            hint = hint or f" Known are {', '.join(dict.fromkeys([*known, *PAGING]))}."
            raise InvalidArgument(f"{shown(name)} is nothing that {resource.one} has.{hint}")
    return Listing(
        scalar_value("limit", given.get("limit", limit), LIMIT),
        scalar_value("offset", given.get("offset", 0), OFFSET),
        sort_keys(resource, given.get("sort", "")),
        fields(resource, given.get("fields", "")),
        {
            name: _wanted(name, given[name], attribute)
            for name, attribute in known.items()
            if name in given
        },
    )


def shown_fields(resource: Resource, given: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wanted of the one resource that is to be shown."""
    for name in given:
        if name not in PAGING:
            hint = nearest(name, ["fields"]) or " Known is fields."
            raise InvalidArgument(f"{shown(name)} is no parameter where one is shown.{hint}")
    return fields(resource, given.get("fields", ""))


def _wanted(name: str, given: Any, attribute: Attribute) -> Any:
    """The value of a filter; the empty text finds what has none."""
    return None if given == "" else scalar_value(name, given, attribute.type)


def sort_keys(resource: Resource, given: Any) -> tuple[str, ...]:
    """Read `sort`: attributes between commas, "-" before one whose order is turned around."""
    return tuple(_known("sort", sortable(resource), given))


def sortable(resource: Resource) -> tuple[str, ...]:
    """What a list can be sorted by."""
    return (*attributes(resource.kind), CREATED)


def fields(resource: Resource, given: Any) -> tuple[str, ...]:
    """Read `fields`: names between commas of what is to be shown."""
    return tuple(_known("fields", showable(resource), given))


def showable(resource: Resource) -> tuple[str, ...]:
    """What an answer shows of a resource."""
    if resource.related:
        related = named_by(resource, resource.related)
        return (*attributes(related.kind), "association")
    return (*attributes(resource.kind), *SHOWN.get(resource.collection, {}))


def _known(parameter: str, known: tuple[str, ...], given: Any) -> Iterator[str]:
    if not isinstance(given, str):
        raise InvalidArgument(f"{parameter} must be names with commas between them.")
    for word in filter(None, (word.strip() for word in given.split(","))):
        name = word.removeprefix("-") if parameter == "sort" else word
        if name not in known:
            hint = nearest(name, known) or f" Known are {', '.join(known)}."
            raise InvalidArgument(f"{parameter} {shown(name)}: there is no such attribute.{hint}")
        yield word


def links(path: str, given: Mapping[str, Any], page: Mapping[str, int]) -> dict[str, str]:
    """The header Link (RFC 8288) of a part of a list: the parts before and after it, and the ends.

    `page` has limit, offset and total_count, as in the list itself.
    """
    limit, offset, total = page["limit"], page["offset"], page["total_count"]
    if limit == 0:
        return {}
    last = offset % limit + max(0, (total - 1 - offset % limit) // limit) * limit
    relations = {"first": 0, "last": last if total else 0}
    if offset > 0:
        relations["prev"] = max(0, min(offset - limit, last))
    if offset + limit < total:
        relations["next"] = offset + limit
    words = (
        f'<{path}?{urlencode({**given, "limit": limit, "offset": at})}>; rel="{relation}"'
        for relation, at in relations.items()
    )
    return {"Link": ", ".join(words)}


def next_link(path: str, given: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, str]:
    """The header Link of a part of the revision log, if there may be more."""
    if "through" in part:
        name, at, more = "since", part["through"], part["through"] < part["newest"]
    else:
        name, at, more = "before", part["before"], part["before"] > 1
    place = {name: f"{part['epoch']}/{at}"}
    query = urlencode({**given, **place, "limit": part["limit"]}, safe="/")
    return {"Link": f'<{path}?{query}>; rel="next"'} if more else {}
