"""The options and arguments of vnctl's commands, made from the parameters of operations."""

from math import isnan
from typing import Any

import click

from openvnet.cli.grammar import BooleanOption, dashed
from openvnet.cli.settings import FORMATS
from openvnet.model.operations import Operation, named_by, parent_of
from openvnet.model.resource import Attribute, Resource
from openvnet.model.scalars import Scalar


def option(name: str, attribute: Attribute, hidden: bool = False) -> click.Option:
    """The option for a parameter."""
    words = f"{attribute.doc}{' Required.' if attribute.required else ''}"
    spelled = [f"--{dashed(name)}", name]
    if attribute.type.schema.get("type") == "boolean":
        return BooleanOption(
            spelled, type=click.BOOL, metavar="[true|false]", help=words, hidden=hidden
        )
    return click.Option(spelled, metavar=metavar(attribute.type), help=words, hidden=hidden)


def metavar(scalar: Scalar) -> str:
    """What a value looks like."""
    schema = scalar.schema
    if "enum" in schema:
        return f"[{'|'.join(schema['enum'])}]"
    if "minimum" in schema:
        return f"{schema['minimum']}..{schema['maximum']}"
    if scalar.name == "uuid":
        return f"{schema['pattern'].removeprefix('^').partition('-')[0]}-NAME"
    return {"IPv4 address": "A.B.C.D", "MAC address": "AA:BB:CC:DD:EE:FF"}.get(
        scalar.name, scalar.name.upper().replace(" ", "-")
    )


def output_option() -> click.Option:
    """How to print."""
    return click.Option(
        ["-o", "--output"],
        type=click.Choice(list(FORMATS)),
        metavar="[table|wide|json|yaml|name]",
        callback=lambda _ctx, _option, value: FORMATS.get(value),
        help="How to print what webapi answers.",
    )


def project_option() -> click.Option:
    """In which project something is made, or of which it is listed."""
    words = "In this project, by uuid or name.  [default: VNET_PROJECT, or the token's]"
    return click.Option(["--project"], metavar="PROJECT", help=words)


def wait_options() -> list[click.Option]:
    """Whether a write waits for the hosts, and how long."""
    wait = "Wait until every live host concerned has it in its switch; exit with 3 if one lags."
    timeout = "How long to wait at most. Implies --wait.  [default: 10]"
    dry_run = "Check all, show what would come of it, and write nothing."
    return [
        click.Option(["--dry-run"], is_flag=True, help=dry_run),
        click.Option(["--wait"], is_flag=True, help=wait),
        click.Option(["--timeout"], type=click.FloatRange(0, 600), metavar="SECONDS", help=timeout),
    ]


def seconds_to_wait(given: dict[str, Any]) -> float | None:
    """How long to wait; takes what says so out of the options given."""
    wait, timeout = given.pop("wait"), given.pop("timeout")
    if timeout is None and wait:
        return 10.0
    if timeout is not None and isnan(timeout):
        raise click.BadParameter("nan is not a number of seconds.", param_hint="'--timeout'")
    return timeout if timeout is None else float(timeout)


def uuid_argument(name: str, of: Resource, many: bool = False) -> click.Argument:
    """The uuid of a resource, or of several."""
    spelled = f"{of.prefix}-NAME"
    return click.Argument(
        [name], nargs=-1 if many else 1, metavar=f"[{spelled}]..." if many else spelled
    )


def above_argument(operation: Operation) -> list[click.Parameter]:
    """The argument that names the parent, for the commands of a sub-collection."""
    parent = parent_of(operation.resource)
    return [uuid_argument("above", parent)] if parent else []


def own_argument(operation: Operation, many: bool = False) -> click.Argument:
    """The argument that names one row: by its uuid, or by what it relates to; or several."""
    of = named_by(operation.resource, operation.own_name)
    return uuid_argument("uuids" if many else "of", of, many)
