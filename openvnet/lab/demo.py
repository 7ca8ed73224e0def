"""The demo: two networks with equal addresses on one switch, and who reaches whom."""

import shlex
import time
from collections.abc import Callable

from rich.console import Console

from openvnet.lab.building import lab
from openvnet.lab.environment import SEED, Environment, waiting_declarations
from openvnet.lab.lab import Lab
from openvnet.lab.pages import reach_table
from openvnet.lab.reach import measured, wrong_cells


def demonstrate(console: Console, environment: Environment = SEED) -> bool:
    """Build, declare, ping, count; print what is seen. Whether all of it is as it must be."""
    begun = time.monotonic()
    console.print("[bold]Two networks with equal addresses on one Open vSwitch[/bold]\n")
    with lab(environment, tell=teller(console)) as running:
        console.print("\nDeclared through vnctl:\n")
        declare(running, console)
        running.settle()
        console.print("\nEvery guest pings, every guest counts ...\n")
        pings = measured(running)
    console.print(reach_table(environment, pings))
    wrong = list(wrong_cells(environment, pings))
    for line in wrong:
        console.print(f"[bold red]✘[/bold red] {line}")
    if not wrong:
        took = time.monotonic() - begun
        console.print(f"\n[green]Every cell is as it must be.[/green] {took:.1f} s in all.")
        console.print("[dim]`make lab` builds the same and leaves it running for you.[/dim]")
    return not wrong


def teller(console: Console) -> Callable[[str], None]:
    """Says each step of building, with the time that it took."""
    before = time.monotonic()

    def tell(step: str) -> None:
        nonlocal before
        now = time.monotonic()
        console.print(f"  [green]✔[/green] {step} [dim]{now - before:.1f} s[/dim]")
        before = now

    return tell


def declare(running: Lab, console: Console) -> None:
    """Declare the environment of a lab, waiting for the switch on each step that needs it."""
    commands = list(waiting_declarations(running.environment))
    if running.environment.underlays:
        _declare_at_once(running, console, commands)
        return
    for arguments in commands:
        console.print(f"  [cyan]$ vnctl {shlex.join(arguments)}[/cyan]", soft_wrap=True)
        said = running.vnctl(*arguments).stderr.strip()
        if said:
            console.print(f"    [dim]{said}[/dim]", soft_wrap=True)


def _declare_at_once(running: Lab, console: Console, commands: list[tuple[str, ...]]) -> None:
    """By one vnctl that runs a file, since many hosts take many commands."""
    for arguments in commands:
        console.print(f"  [cyan]{shlex.join(arguments)}[/cyan]", soft_wrap=True)
    begun = time.monotonic()
    running.declare()
    took = time.monotonic() - begun
    said = f"{len(commands)} lines of `vnctl batch` are in the switches after {took:.1f} s."
    console.print(f"    [dim]{said}[/dim]", soft_wrap=True)
