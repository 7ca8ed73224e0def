"""vnctl nodes: who is alive and how far behind; tokens for those who join; keys taken back."""

import re
from collections.abc import Iterator
from typing import Any

import click
from msgspec.structs import replace

from openvnet.answers import Answer
from openvnet.cli.commands import resource_group
from openvnet.cli.grammar import Command, Group
from openvnet.cli.options import output_option
from openvnet.cli.session import Session
from openvnet.model import NODES
from openvnet.model.nodes import ROLES

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
NOBODY = "No host is live: no vna is connected to vnmgr."

Node = dict[str, Any]


def nodes_group() -> Group:
    """The commands about nodes; without one, all nodes are shown."""
    group = resource_group(NODES)
    group.made |= {"show": _show, "token": _token, "revoke": _revoke}

    @click.pass_context
    def bare(ctx: click.Context, output: str | None) -> None:
        if ctx.invoked_subcommand is None:
            show_nodes(ctx.ensure_object(Session), output, ())

    group.callback, group.params = bare, [output_option()]
    group.invoke_without_command, group.no_args_is_help = True, False
    group.help = f"{group.help}\n\nWithout a command, all of them are shown, and how each fares."
    return group


def _show() -> click.Command:
    @click.pass_obj
    def show(session: Session, output: str | None, names: tuple[str, ...]) -> None:
        show_nodes(session, output, names)

    words = """Show all nodes, live or declared, or those named: their state, the revision that
    each has, and how far it is behind."""
    named = click.Argument(["names"], nargs=-1, metavar="[NODE]...")
    return Command("show", callback=show, params=[named, output_option()], help=words)


def show_nodes(session: Session, output: str | None, names: tuple[str, ...]) -> None:
    """Show how nodes fare."""
    answer = session.client.get("/nodes")
    known = answer.body
    wanted = [_named(known, name) for name in names] or list(known)
    if names:
        body = {node_id: known[node_id] for node_id in wanted}
        answer = replace(answer, body=body, text=b"")
    table = session.format(output) in ("table", "wide", "name")
    rows = list(_rows({node_id: known[node_id] for node_id in wanted}))
    session.show(_retold(answer, rows if table else answer.body), output, NOBODY)


def _retold(answer: Answer, body: Any) -> Answer:
    if answer.text:
        return replace(answer, body=body)
    import msgspec

    return replace(answer, body=body, text=msgspec.json.encode(body))


def _rows(nodes: dict[str, Node]) -> Iterator[Node]:
    for node_id, node in nodes.items():
        shown = {name: value for name, value in node.items() if name != "alive"}
        state = node.get("state") or "not heard of yet"
        if node.get("refused"):
            state = f"{state}; another is refused" if node["alive"] else "refused"
        if node.get("twin"):
            state = f"{state}; there are two of it"
        failures = "; ".join(node.get("failures") or ())
        yield {"node_id": node_id, **shown, "state": state, "failures": failures}


def _named(known: dict[str, Node], name: str) -> str:
    """The node id of a node, by that or by its uuid."""
    if name in known:
        return name
    for node_id, node in known.items():
        if node["uuid"] == name:
            return node_id
    names = ", ".join(known) or "none"
    raise click.ClickException(f"There is no node {name}; there are: {names}.")


def _revoke() -> click.Command:
    @click.pass_obj
    def revoke(session: Session, output: str | None, names: tuple[str, ...]) -> None:
        known = session.client.get("/nodes").body
        for name in names:
            node = known[_named(known, name)]
            if node["uuid"] is None:
                raise click.ClickException(
                    f"{name} has no key of its own: it has that of vnmgr's machine, by which all "
                    "programs there are known."
                )
            session.show(session.client.write("PUT", f"/nodes/{node['uuid']}/revoke", {}), output)

    words = """Take back the keys and the token of nodes.

    The stream of a node that is connected ends at once, and it is refused until it has joined
    anew. What it has in its switch stays there, and its guests go on as they are: who has a host's
    key taken back keeps it from hearing and saying more, and takes nothing from its guests."""
    named = click.Argument(["names"], nargs=-1, required=True, metavar="NODE...")
    return Command("revoke", callback=revoke, params=[named, output_option()], help=words)


def _token() -> click.Command:
    @click.pass_obj
    def token(session: Session, /, addresses: tuple[str, ...], **given: Any) -> None:
        managers = _managers(session, addresses)
        print_token(session, managers, **given)

    words = """Print a token, with which another host joins: `openvnet join TOKEN`, typed there.

    It is good for one host, once, until it expires. Whoever has it can join in that host's place,
    so treat it as a password: `openvnet join -` reads it from standard input.
    """
    at = "Where vnmgr is reached from there, if not at its own address. Repeatable."
    params: list[click.Parameter] = [
        click.Option(["--node-id"], metavar="NAME", help="Of the node; a new one if not given."),
        click.Option(["--datapath"], metavar="DP-NAME", help="The only datapath that it may have."),
        click.Option(["--role"], type=click.Choice(ROLES), help="What it may do.  [default: vna]"),
        click.Option(
            ["--ttl"], type=_Duration(), default="1h", show_default=True, help="How long it lasts."
        ),
        click.Option(["--address", "addresses"], multiple=True, metavar="HOST[:PORT]", help=at),
    ]
    return Command("token", callback=token, params=params, help=words)


class _Duration(click.ParamType[int]):
    """30s, 15m, 1h or 7d, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"([1-9]\d{0,5})([smhd])", str(value))
        if found is None:
            self.fail(
                f"{value!r} must be a number with s, m, h or d, such as 15m or 1h", param, ctx
            )
        return int(found[1]) * UNITS[found[2]]


def _managers(session: Session, addresses: tuple[str, ...]) -> list[dict[str, str]]:
    known: list[dict[str, str]] = session.client.get("/health").body.get("managers", [])
    if not known:
        raise click.ClickException(
            "vnmgr listens at no TCP port, so no other host can join. Say in vnmgr.conf "
            '`node { addr { host "ADDRESS" port 9102 } }`, with an address that they reach, and '
            "start vnmgr anew."
        )
    if not addresses:
        return known
    port = known[0]["address"].rpartition(":")[2]
    keys = dict.fromkeys(each["key"] for each in known)
    named = [at if re.search(r":\d+$", at) else f"{at}:{port}" for at in addresses]
    return [{"address": at, "key": key} for at in named for key in keys]


def print_token(
    session: Session,
    managers: list[dict[str, str]],
    node_id: str | None,
    datapath: str | None,
    role: str | None,
    ttl: int,
) -> None:
    """Declare the node, or let it join anew, and print its token; words go to stderr."""
    from openvnet.wire.joined import Manager, Token, new_pair, written_token

    public, secret = new_pair()
    values = {"token_key": public, "token_seconds": ttl}
    if datapath:
        values["datapath_uuid"] = datapath
    known = session.client.get("/nodes").body.get(node_id or "", {})
    if known.get("uuid"):
        if role and role != known["role"]:
            raise click.ClickException(f"node {node_id} is a {known['role']}, not a {role}.")
        node = session.client.write("PUT", f"/nodes/{known['uuid']}", values).body
    else:
        if node_id:
            values["node_id"] = node_id
            if re.fullmatch("[a-z0-9]{1,16}", node_id):
                values["uuid"] = f"node-{node_id}"
        node = session.client.write("POST", "/nodes", {**values, "role": role or "vna"}).body
    where = tuple(Manager(each["address"], each["key"]) for each in managers)
    click.echo(written_token(Token(where, node["role"], secret)))
    _explain(node, where[0].address, ttl)


def _explain(node: Node, address: str, ttl: int) -> None:
    who = f"{node['role']} {node['node_id']} ({node['uuid']})"
    click.echo(f"For {who}, once, within {_words(ttl)}. Type on its host:", err=True)
    click.echo("  openvnet join TOKEN", err=True)
    if node["public_key"]:
        click.echo(
            "It has joined already; when it joins anew, its old key counts no more.", err=True
        )
    if address.startswith(("127.", "[::1]", "localhost")):
        words = f"vnmgr is at {address}, which only its own machine reaches"
        click.echo(f"Note: {words}; --address names another.", err=True)


def _words(seconds: int) -> str:
    unit = next(unit for unit in reversed(UNITS) if seconds % UNITS[unit] == 0)
    return f"{seconds // UNITS[unit]} {unit}"
