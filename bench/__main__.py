"""`make bench`: every figure of the project, measured in this run.

    make bench                       all rows
    make bench ROWS="change restart" some rows

Prints one table, and writes the same to `bench/results.json`. Exits 1 if a bar is missed.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.figures import Figure

ROWS = (
    *("codec", "install", "change", "restart", "api", "list", "apply", "manager-restart"),
    *("goodput", "memory", "demo", "startup", "agents", "reconnect", "share", "hosts", "tunnel"),
)
RESULTS = Path(__file__).with_name("results.json")


def main(rows: list[str]) -> int:
    """Measure rows, one module each."""
    if unknown := [row for row in rows if row not in ROWS]:
        print(f"no row {', '.join(unknown)}; there are {', '.join(ROWS)}", file=sys.stderr)
        return 2
    figures = [figure for row in rows or ROWS for figure in _measured(row)]
    Console(width=120).print(_table(figures))
    RESULTS.write_text(json.dumps([_result(figure) for figure in figures], indent=1) + "\n")
    return 0 if all(figure.ok for figure in figures) else 1


def _measured(row: str) -> Iterator[Figure]:
    print(f"measuring {row} …", file=sys.stderr, flush=True)
    yield from importlib.import_module(f"bench.{row.replace('-', '_')}").measure()


def _result(figure: Figure) -> dict[str, object]:
    return {
        "figure": figure.figure,
        "value": round(figure.value, 4),
        "unit": figure.unit,
        "bar": figure.bar,
        "ok": figure.ok,
    }


def _table(figures: list[Figure]) -> Table:
    table = Table(title="OpenVNet, measured just now", title_justify="left")
    for name, justify in (("figure", "left"), ("value", "right"), ("unit", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("to reach")
    table.add_column("")
    for figure in figures:
        mark = "" if not figure.bar else "[green]✓[/]" if figure.ok else "[red]✗[/]"
        value = f"{figure.value:,.2f}" if figure.value < 1000 else f"{figure.value:,.0f}"
        table.add_row(figure.figure, value, figure.unit, figure.bar, mark)
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
