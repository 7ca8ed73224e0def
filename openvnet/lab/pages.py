"""What the lab shows to people: the reach matrix, what runs where, what to try next."""

from collections.abc import Iterable, Iterator

from rich import box
from rich.table import Table
from rich.text import Text

from openvnet.lab.environment import Environment, Guest
from openvnet.lab.lab import Lab
from openvnet.lab.reach import Ping, should_arrive


def reach_table(environment: Environment, pings: Iterable[Ping]) -> Table:
    """A row for each ping, a column for each guest, and how many requests it saw."""
    title = "ICMP echo requests that arrived at each guest"
    table = Table(box=box.ROUNDED, title=title, show_lines=True, title_style="")
    table.add_column("from\n[dim]to[/dim]", no_wrap=True)
    for guest in environment.guests:
        table.add_column(_heading(guest), justify="center", no_wrap=True)
    table.add_column("answer", justify="center")
    for ping in pings:
        cells = (_cell(environment, ping, guest) for guest in environment.guests)
        route = f"[bold]{ping.sender}[/bold]\n[dim]{ping.address}[/dim]"
        table.add_row(route, *cells, f"{ping.answered} of {ping.sent}")
    return table


def reach_matrix(environment: Environment, pings: Iterable[Ping]) -> Table:
    """A row for each sender and a column for each receiver, for a lab with many guests."""
    table = Table(
        box=box.SIMPLE_HEAD, title="Who reaches whom", title_style="", padding=(0, 1, 0, 0)
    )
    table.add_column("from", no_wrap=True)
    for guest in environment.guests:
        table.add_column(guest.name, justify="center", no_wrap=True)
    sent: dict[str, list[Ping]] = {}
    for ping in pings:
        sent.setdefault(ping.sender, []).append(ping)
    for guest in environment.guests:
        own = sent.get(guest.name, [])
        cells = (_mark(environment, own, receiver) for receiver in environment.guests)
        table.add_row(f"{guest.name} [dim]{guest.network} {guest.host}[/dim]", *cells)
    return table


def _mark(environment: Environment, pings: list[Ping], receiver: Guest) -> Text:
    """Of a sender's pings at a receiver: as meant, not all of them, or what was not for it."""
    meant = [ping for ping in pings if should_arrive(environment, ping, receiver)]
    if any(ping.arrived.get(receiver.name, 0) for ping in pings if ping not in meant):
        return Text("leaked", "bold red")
    if not meant:
        return Text("·", "dim")
    arrived = sum(ping.arrived.get(receiver.name, 0) for ping in meant)
    answered, sent = (sum(getattr(ping, name) for ping in meant) for name in ("answered", "sent"))
    if arrived == answered == sent:
        return Text("✔", "green")
    return Text(f"{min(arrived, answered)}/{sent}", "bold red")


def _heading(guest: Guest) -> str:
    return f"{guest.name}\n[dim]{guest.network}\n{guest.ipv4_address}[/dim]"


def _cell(environment: Environment, ping: Ping, receiver: Guest) -> Text:
    if receiver.name == ping.sender:
        return Text("·", style="dim")
    arrived = ping.arrived.get(receiver.name, 0)
    if should_arrive(environment, ping, receiver):
        if arrived == ping.sent:
            return Text(f"✔ all {arrived}", style="green")
        return Text(f"✘ {arrived} of {ping.sent}", style="bold red")
    return Text("none", style="dim") if arrived == 0 else Text(f"✘ {arrived} leaked", "bold red")


def guests_table(environment: Environment) -> Table:
    """The guests, and what each is plugged into."""
    table = Table("guest", "network", "address", "MAC address", "port", "host", box=box.SIMPLE_HEAD)
    for guest in environment.guests:
        network = environment.network(guest)
        address = f"{guest.ipv4_address}/{network.ipv4_prefix}"
        table.add_row(
            guest.name, network.uuid, address, guest.mac_address, guest.port_name, guest.host
        )
    return table


def processes_table(lab: Lab) -> Table:
    """The processes, and whether they live."""
    table = Table("process", "pid in the lab", "log", box=box.SIMPLE_HEAD)
    for name in lab.processes:
        pid = lab.pid(name)
        state = Text("not running", "red") if pid is None else Text(str(pid))
        table.add_row(name, state, lab.log(name).name)
    return table


def journey(environment: Environment) -> Iterator[Text]:
    """Commands to try, on the guests of this environment, and what each shows."""
    if not environment.guests:
        return
    first, last = environment.guests[0], environment.guests[-1]
    fellow = next(
        (guest for guest in environment.guests[1:] if guest.network == first.network), last
    )
    host = environment.hosts[0].name
    vna = f"{host}/vna" if environment.underlays else "vna"
    for command, what in (
        ("vnctl interfaces show", "what is declared"),
        (f"vnctl interfaces show {first.interface_uuid}", "up, or why not; packets, drops"),
        (f"openvnet lab shell {first.name}", f"a shell in it: ping {fellow.ipv4_address}"),
        (f"openvnet lab tcpdump {fellow.port_name}", f"what passes the port of {fellow.name}"),
        (f"openvnet lab tcpdump {last.port_name}", f"and that of {last.name}"),
        (f"openvnet lab kill {vna}", "kill -9: the pings go on"),
        (f"openvnet lab start {vna}", ""),
        *_journey_of_many(environment),
        ("openvnet lab status", "what runs"),
        (
            f"openvnet lab exec {host} ovs-ofctl --names dump-flows br0",
            "the flows of the switch",
        ),
    ):
        yield Text.assemble("  ", (f"{command:36}", "cyan"), "  ", (what, "dim"))


def _journey_of_many(environment: Environment) -> Iterator[tuple[str, str]]:
    """Commands for hosts that an underlay joins."""
    if len(environment.hosts) > 1 and environment.underlays:
        guest, host = environment.guests[0].name, environment.hosts[-1].name
        yield "openvnet lab reach", "who reaches whom"
        yield f"openvnet lab plug {guest} {host}", f"{guest} moves to another host"
        yield f"openvnet lab cut {host} manager", "its vna hears no vnmgr"
        yield f"openvnet lab mend {host} manager", ""
        yield f"openvnet lab tcpdump {host}", "what is on the wire of its uplink"
