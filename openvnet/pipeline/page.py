"""The page of the pipeline, docs/pipeline.md, made from the declarations."""

from collections.abc import Iterator

from openvnet.pipeline.fields import RegisterField, Registers, peer
from openvnet.pipeline.handlers import Handler
from openvnet.pipeline.tables import Table

HEADER = """# The pipeline

*Generated from `openvnet/pipeline/` by `make docs`; edit the declarations, not this page.*

A packet enters at the first table. Each table is a stage; a packet only moves forward, except that
flooding visits `FLOOD` once for each chunk of a network's members, `FLOOD_PEERS` once for each
chunk of other hosts, and from there `TO_PEER` once for each host, and comes back. So it does from
`MAC_LEARNT`, whose flows the switch itself adds, and takes away. What no flow names is dropped, and
counted. `ovs-ofctl --names dump-flows BRIDGE` shows these names.
"""


def page() -> str:
    """The page, as Markdown."""
    return "\n".join((HEADER, *_tables(), *_fields(), *_handlers())) + "\n"


def _tables() -> Iterator[str]:
    yield "## Tables\n"
    yield "| number | table | what happens there |\n|---|---|---|"
    for table in Table:
        yield f"| {table.value} | `{table.name}` | {table.__doc__} |"
    yield ""


def _fields() -> Iterator[str]:
    yield "## What a packet carries from table to table\n"
    yield "| field | where | what it says |\n|---|---|---|"
    for name, field in vars(Registers).items():
        if isinstance(field, RegisterField):
            bits = f"{field.offset}..{field.offset + field.bits - 1}"
            yield f"| `{name}` | `reg{field.register}[{bits}]` | {field.__doc__} |"
    yield f"| `peer` | `{peer.name}` | {peer.__doc__} |"


def _handlers() -> Iterator[str]:
    yield "\n## What the agent answers\n"
    yield "| number and meter | handler | packets a second | what it does |\n|---|---|---|---|"
    for handler in Handler:
        yield f"| {handler.value} | `{handler.name}` | {handler.packets} | {handler.__doc__} |"


if __name__ == "__main__":
    print(page(), end="")
