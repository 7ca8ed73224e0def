"""What is said of an import before it is done: what was found, and what could not be carried."""

from collections.abc import Iterator
from typing import Any

from openvnet.importing.original import Original
from openvnet.importing.tables import CARRIED
from openvnet.importing.translating import Told, Translated

COLUMNS = ("found", "carried", "changed", "not_carried", "deleted")
FOLDED = {
    "mac_addresses": "part of what has them here",
    "ip_addresses": "part of their leases here",
}
"""Tables whose rows are no rows of their own here."""


def report(original: Original, translated: Translated) -> dict[str, Any]:
    """All of it, for programs."""
    tables = [
        {
            "table": carried.table,
            "found": translated.found[carried.table],
            "carried": translated.carried[carried.table],
            "changed": _rows_of(translated.changed, carried.table),
            "not_carried": _rows_of(translated.refused, carried.table),
            "deleted": original.deleted[carried.table],
        }
        for carried in CARRIED
    ]
    return {
        "tables": tables,
        "changed": [told._asdict() for told in translated.changed],
        "not_carried": [told._asdict() for told in translated.refused],
        "made_anew": {**translated.left, **_there(original.derived)},
        "folded": {name: len(original.rows[name]) for name in FOLDED},
        "unknown": dict(original.others),
    }


def _rows_of(told: list[Told], table: str) -> int:
    return len({each.id for each in told if each.table == table})


def _there(counts: Any) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def lines(told: dict[str, Any]) -> Iterator[str]:
    """The report, for people."""
    tables = [each for each in told["tables"] if each["found"] or each["deleted"]]
    width = max((len(each["table"]) for each in tables), default=0)
    heads = [name.replace("_", " ") for name in COLUMNS]
    yield "  ".join(["table".ljust(width), *heads])
    for each in tables:
        counts = (str(each[name] or "-").rjust(len(name)) for name in COLUMNS)
        yield "  ".join([each["table"].ljust(width), *counts])
    for name, words in FOLDED.items():
        if told["folded"][name]:
            yield f"{name}: {told['folded'][name]} rows, {words}."
    if told["made_anew"]:
        listed = _listed(told["made_anew"])
        yield f"Not carried since they follow from others, and are made anew: {listed}."
    if told["unknown"]:
        yield f"Tables that are not known here, with their rows: {_listed(told['unknown'])}."
    yield from _section("Carried with a change", told["changed"])
    yield from _section("Not carried", told["not_carried"])


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _section(head: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    if rows:
        yield ""
        yield f"{head}:"
    for each in rows:
        who = f" ({each['uuid']})" if each["uuid"] else ""
        yield f"  {each['table']} {each['id']}{who}: {each['words']}"
