"""How vnctl's command line is spelled, as OpenVNet's users know it.

A dash is as good as an underscore in the names of commands and options; a boolean option is given
as `--flag`, `--no-flag` or `--flag true`; `help` is a command at every level.
"""

from collections import deque
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click
import msgspec

TRUE = ("true", "yes", "t", "y", "1")
FALSE = ("false", "no", "f", "n", "0")

Commands = dict[str, Callable[[], click.Command]]
"""Commands by name, made when they are asked for: a run of vnctl needs one of a hundred."""


class Late(msgspec.Struct, frozen=True):
    """What makes a command, in a module that is imported when somebody asks for the command."""

    sentence: str
    """What a list of commands says of it."""
    module: str
    function: str
    given: tuple[Any, ...] = ()

    def __call__(self) -> click.Command:
        """Make it."""
        module = import_module(f"openvnet.cli.{self.module}")
        make: Callable[..., click.Command] = getattr(module, self.function)
        return make(*self.given)


def dashed(word: str) -> str:
    """The spelling that commands and options are known by."""
    return word.replace("_", "-")


SPELLING = {"token_normalize_func": dashed, "help_option_names": ["-h", "--help"]}


class Group(click.Group):
    """A level of the command line, with `help`, aliases, and commands made when asked for."""

    def __init__(
        self,
        name: str,
        help: str,
        made: Commands,
        aliases: dict[str, str] | None = None,
        listed: str | None = None,
    ) -> None:
        super().__init__(name, help=help, context_settings=dict(SPELLING))
        self.made = made
        self.aliases = aliases or {}
        self.listed = listed
        """How the name of a parent begins, for which `show` may be left out."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """In the order of the declarations."""
        return [*self.made, "help"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of this name in any spelling."""
        name = dashed(cmd_name)
        name = self.aliases.get(name, name)
        if name == "help":
            return _help_of(self)
        if name not in self.commands and name in self.made:
            self.commands[name] = self.made[name]()
        return self.commands.get(name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands, and a sentence of each; without making what is late."""
        names = self.list_commands(ctx)
        width = formatter.width - 6 - max(map(len, names))
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._sentence(ctx, name, width)) for name in names])

    def _sentence(self, ctx: click.Context, name: str, width: int) -> str:
        make = self.made.get(name)
        late = click.Command(name, help=make.sentence) if isinstance(make, Late) else None
        command = late or self.get_command(ctx, name)
        return command.get_short_help_str(width) if command else ""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one is nearest."""
        name = dashed(args[0])
        if self.listed and name.startswith(self.listed):
            return super().resolve_command(ctx, ["show", *args])
        known = name.startswith("-") or self.get_command(ctx, name) is not None
        if not known:
            near = get_close_matches(name, [*self.made, *self.aliases, "help"], n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known are {', '.join(self.made)}."
            ctx.fail(f"There is no command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)


def _help_of(group: Group) -> click.Command:
    @click.pass_context
    def show(ctx: click.Context, words: tuple[str, ...]) -> None:
        above = ctx.parent
        shown: click.Command = group
        for word in words:
            if not isinstance(shown, Group) or above is None:
                break
            above = click.Context(shown, above.parent, above.info_name)
            _, found, _ = shown.resolve_command(above, [word])
            shown = found or shown
            above = click.Context(shown, above, dashed(word))
        click.echo(shown.get_help(above or ctx))

    words = click.Argument(["words"], nargs=-1, metavar="[COMMAND]...")
    return click.Command("help", callback=show, params=[words], help="Show this help.")


class Command(click.Command):
    """A command whose boolean options take no value, or one, or a `no-` before their name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Bring boolean options into the one form that click reads."""
        return super().parse_args(ctx, list(_spelled(args, _booleans(self))))


class BooleanOption(click.Option):
    """An option whose value is true or false."""


def _booleans(command: click.Command) -> set[str]:
    return {
        option.opts[0].removeprefix("--")
        for option in command.params
        if isinstance(option, BooleanOption)
    }


def _spelled(args: list[str], booleans: set[str]) -> Iterator[str]:
    rest = deque(args)
    while rest:
        word = rest.popleft()
        name = dashed(word.removeprefix("--")) if word.startswith("--") else ""
        if word == "--":
            yield from (word, *rest)
            return
        if name in booleans:
            yield f"--{name}={_truth(rest)}"
        elif name.removeprefix("no-") in booleans:
            yield f"--{name.removeprefix('no-')}=false"
        else:
            yield word


def _truth(rest: deque[str]) -> str:
    """The value that follows the option, if it is one."""
    if rest and rest[0].lower() in (*TRUE, *FALSE):
        return "true" if rest.popleft().lower() in TRUE else "false"
    return "true"
