"""The reference page of vnctl, from the commands that it has."""

from collections.abc import Iterator

import click

from openvnet.cli.grammar import Group
from openvnet.cli.vnctl import root

INTRODUCTION = """# vnctl

*This page is made from the commands themselves: change them, then run
`python docs/reference/generate.py`.*

vnctl draws networks from the command line. It talks to webapi, and holds no rule of its own. For
first steps, and for what to do when a guest is not reached, see [the guide](../guides/vnctl.md).

- A dash is as good as an underscore in the names of commands and options: `mac_leases` and
  `mac-leases`, `--network_uuid` and `--network-uuid`.
- A boolean option is given as `--enable-routing`, `--no-enable-routing`, or
  `--enable-routing true` (or `false`).
- `help` is a command at every level: `vnctl help`, `vnctl networks help`,
  `vnctl help networks add`.

## Where webapi is

The first of these that is there:

1. `VNET_WEBAPI`: `host:port`, `http://host:port` or `unix:/path`;
2. a file: `~/.vnctlrc`, `~/.vnctl.conf`, `/etc/openvnet/vnctl.conf` or
   `/etc/wakame-vnet/vnctl.conf`;
3. the socket of the lab that you run;
4. `127.0.0.1:9090`.

The file has lines of `key value`, and comments after `#`:

| Key | Default | Meaning |
|---|---|---|
| `webapi_protocol` | `http` | `http` or `https` |
| `webapi_uri` | `127.0.0.1` | host name or address, or `unix:/path` |
| `webapi_port` | `9090` | TCP port |
| `webapi_version` | `1.0` | of the API |
| `webapi_ca` | the system's | a file in PEM: who signs webapi's certificate; `VNET_CA` beats it |
| `token_file` | none | a file with a token alone, beside this one unless its path is absolute |
| `token` | none | the token itself; `VNET_TOKEN` beats both |
| `project` | none | in which things are made and listed; `VNET_PROJECT` and `--project` beat it |
| `output_format` | as below | `table`, `wide`, `json`, `yaml` (or `yml`) or `name` |

## What it prints

On a terminal tables and sentences for people, elsewhere YAML, which OpenVNet's scripts have always
read. `-o` (before the command or after it) says otherwise, else `VNCTL_OUTPUT` of the environment,
else `output_format` of the file:

| `-o` | Prints |
|---|---|
| `table` | aligned columns, without those that are empty everywhere |
| `wide` | the same with all columns |
| `json` | exactly what webapi answered |
| `yaml`, `yml` | the same in YAML |
| `name` | the uuids alone, one a line |

Everything else (what came of waiting, errors) goes to standard error.

`show` takes uuids or display names. Of a list, `--filter FIELD=VALUE` (repeatable), `--sort
-created,display_name`, `--limit` and `--offset` choose, and `--columns uuid,mac_address` says what
is shown. `vnctl get network NAME --tree` shows a resource with everything that refers to it.

`vnctl apply -f FILE` makes everything as documents say, `vnctl diff` shows what that would do, and
`vnctl export` writes such documents: see [networks in files](../guides/declarative.md).

`--dry-run` checks a write, shows what would come of it, and writes nothing.

A command that names several resources answers for each: one JSON text a line, or one YAML document
each, in the order in which they were named. One that is refused keeps nobody from the others; the
exit status is then 1. Of an empty list `-o name` prints nothing, and a table says so in words.

There is colour only in what `batch` says, on a terminal, and none if `NO_COLOR` is set.

## Waiting until the network is so

With `--wait` a write returns when every live host concerned has it in its switch, and says how long
that took:

```
revision 42 is in the switch of 1 host (vna) after 3.1 ms
```

| Exit status | Meaning |
|---|---|
| 0 | done |
| 1 | webapi refused, or was not reached; the words are on standard error |
| 2 | wrong usage |
| 3 | the write stands, but a host has not realised it in time, or its switch refused it |
| 130 | interrupted; a write that was under way may stand |

## How it differs from the original's

Commands of OpenVNet's guides work as they are printed there, with these differences:

- The exit status is not 0 when webapi refuses.
- On a terminal it prints tables; `output_format yml` in `~/.vnctlrc` brings YAML back. The keys of
  its YAML are plain words (`ip_leases:`), where Ruby wrote symbols (`:ip_leases:`).
- A list is shown whole, not 30 of it; `--limit` and `--offset` show a part.
- What resources refer to is named by uuid alone: there are no integer ids, no `is_deleted`. The
  uuid of something deleted can be used again.
- `interfaces modify` takes `--enable-filtering` and its like, and `interfaces ports del` takes the
  uuids of ports too.
- `datapaths modify` changes `--dpid` and `--node-id`, which the original ignored; `routes modify`,
  `route-links modify`, `translations modify` and `interfaces rename` do what they say.
- `batch` stops at the first command that fails, unless it is told to keep going, and its comments
  on what it does go to standard error.
"""


def page() -> Iterator[str]:
    """The page's lines."""
    yield INTRODUCTION
    yield from _command(root, click.Context(root, info_name="vnctl"))


def _command(command: click.Command, ctx: click.Context) -> Iterator[str]:
    depth = "#" * min(ctx.command_path.count(" ") + 2, 4)
    if ctx.parent is not None:
        yield f"{depth} {ctx.command_path}\n"
        yield f"```\n{ctx.command_path} {' '.join(command.collect_usage_pieces(ctx))}\n```\n"
        yield f"{_words(command)}\n"
        yield from _options(command, ctx)
    if isinstance(command, Group):
        for name in command.made:
            below = command.get_command(ctx, name)
            if below is not None:
                yield from _command(below, click.Context(below, parent=ctx, info_name=name))


def _words(command: click.Command) -> str:
    lines = (command.help or "").splitlines()
    return "\n".join(line.strip() for line in lines).strip()


def _options(command: click.Command, ctx: click.Context) -> Iterator[str]:
    options = [
        each for each in command.params if isinstance(each, click.Option) and not each.hidden
    ]
    if not options:
        return
    yield "| Option | Value | Meaning |\n|---|---|---|"
    for option in options:
        names = ", ".join(f"`{name}`" for name in option.opts)
        value = "" if option.is_flag else f"`{option.make_metavar(ctx)}`".replace("|", "\\|")
        yield f"| {names} | {value} | {' '.join((option.help or '').split())} |"
    yield ""
