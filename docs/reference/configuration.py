"""The reference page of the .conf files, from the keys that are declared."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, inspect

from openvnet.configuration.files import description, keys_of, plain, use, wanted
from openvnet.configuration.keys import LATER, MEANINGLESS, PROGRAMS, Common

INTRODUCTION = """# The .conf files

*This page is made from the declared keys: change `openvnet/configuration/keys.py`, then run
`python docs/reference/generate.py`.*

vnmgr, webapi and vna each read two files, `common.conf` and their own (`vnmgr.conf`,
`webapi.conf`, `vna.conf`). None of them is needed: everything has a default. vnctl has [a file
of its own](vnctl.md#where-webapi-is).

## What a file looks like

```
# a comment
node {
  id "vnmgr"
  addr {
    protocol "tcp"
    host "192.168.100.2"
    port 9102
  }
}
```

A key has a value on its own line, or a block of other keys in braces; a block may stand on one
line. A value is text in quotes, a number, or a plain word; `nil` is the default. In quotes
`\\"` is a quote. What is not understood is an error that says the file, the line, the column,
and what would be right; the program does not start.

## Where the files are

Each file is the first of its name in these directories:

1. `$CONFIG_PATH`, if that is set;
2. `/etc/openvnet`;
3. `/etc/wakame-vnet`.

With `--config DIRECTORY` a program reads the files there, and nowhere else. A file that is not
there is no error; one that cannot be read is.

## What beats what

The command line beats the environment, that beats the files, and they beat the defaults. A
program's own file beats `common.conf`, and may say whatever that may.

| Variable | Of | Meaning |
|---|---|---|
| `CONFIG_PATH` | all three | a directory to look in first |
| `LOG_DIRECTORY` | all three | log also to `<program>.log` in this directory |
| `LOG_FORMAT`, `LOG_LEVEL` | all three | `text` or `json`; the least that is logged |
| `BIND_ADDR`, `PORT` | webapi | where it listens for HTTP; 127.0.0.1 and 9090 |

## How the programs find vnmgr

Without files: by its sockets in the directory of `--run`, `/run/openvnet`.

If `vnmgr.conf` has an `addr` block, vnmgr listens there too, and webapi and vna call it there:
they read the `vnmgr.conf` beside their own file. With `--run` on the command line they call it
by its socket all the same. They only call, so nothing listens at the `addr` of `vna.conf` and
`webapi.conf`.

TCP is never in clear (ZeroMQ's CURVE). The keys are in `keys` in the directory of `--state`
(`/var/lib/openvnet`), and are made by whichever program starts first. Whoever can read
`machine.secret` may connect to vnmgr and write networks; the log of vnmgr names the address of
who was refused. A program on another machine gets a key of its own by
[joining](../guides/nodes.md), which also tells it where vnmgr is: that beats what the files say.

## Keys that do nothing

Some keys of the original have no meaning here; they are accepted, and a line in the log names
them. Others are of what is not done yet; they are accepted too, and named at the log level
`debug`."""

WORDS = {MEANINGLESS: "No meaning here. ", LATER: "Not used yet. ", "": ""}


def page() -> Iterator[str]:
    """The page's lines."""
    yield INTRODUCTION
    for program, kind in (("common", Common), *PROGRAMS.items()):
        yield f"## {program}.conf\n"
        yield "| Key | Default | Value | Meaning |\n|---|---|---|---|"
        yield from _rows(kind, "")
        yield ""


def _rows(kind: type[Struct], around: str) -> Iterator[str]:
    for name, declared in keys_of(kind).items():
        inside = plain(declared)
        if isinstance(inside, inspect.StructType):
            yield f"| `{around}{name} {{ … }}` | | | {_means(declared)} |"
            yield from _rows(inside.cls, f"{around}{name}.")
        else:
            default = _default(kind, name)
            yield f"| `{around}{name}` | {default} | {wanted(declared)} | {_means(declared)} |"


def _means(declared: Any) -> str:
    return WORDS[use(declared)] + description(declared)


def _default(kind: type[Struct], name: str) -> str:
    default = getattr(kind(), name)
    return "" if default in (None, ()) else f"`{default!r}`".replace("'", '"')
