"""Each key of each file, declared once: its type, its default, and what it means.

`docs/reference/configuration.md` is made from these, and what a file says is held against them.
common.conf may say what is in `Common`; a program's own file may say that too, and what is in its
own struct. A field whose type is a struct is a block, a tuple may be said several times.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

MEANINGLESS = "meaningless"
"""A key that the original needs and we do not: accepted, with a word in the log."""
LATER = "later"
"""A key of something that is not there yet: accepted."""


def _means(description: str, use: str = "") -> Meta:
    return Meta(description=description, extra={"use": use})


NO_LISTENER = "Accepted; nothing listens there: this program calls vnmgr."

Name = Annotated[
    str, Meta(pattern=r"^[\w.-]{1,100}$", title="a name of letters, digits and any of `_.-`")
]
Host = Annotated[str, Meta(min_length=1, title="an address or the name of a host")]
Port = Annotated[int, Meta(ge=1, le=65535, title="a number from 1 to 65535")]
Link = Annotated[
    str, Meta(pattern=r"^[^\s/]{0,15}$", title="the name of a network link, at most 15 letters")
]
Seconds = Annotated[float, Meta(ge=0, title="a number of seconds")]
Items = Annotated[int, Meta(ge=1, le=10_000, title="a number from 1 to 10000")]


class Database(Struct, frozen=True):
    """Where vnmgr keeps everything."""

    adapter: Annotated[
        Literal["sqlite", "mysql2", "mysql", "mariadb", "postgresql"],
        _means("`sqlite`, `postgresql`, or one of the names of MariaDB and MySQL."),
    ] = "sqlite"
    host: Annotated[str | None, _means("Of a server: where it is; else this machine.")] = None
    port: Annotated[Port | None, _means("Of a server: its TCP port; else the usual one.")] = None
    socket: Annotated[
        str | None,
        _means(
            "Of a server, in place of host and port: the path of its unix socket; of PostgreSQL's, "
            "its directory."
        ),
    ] = None
    user: Annotated[
        str | None, _means("Of a server: who vnmgr is to it; else the name of vnmgr's own user.")
    ] = None
    password: Annotated[str | None, _means("The user's; not needed on many a socket.")] = None
    database: Annotated[
        str | None,
        _means(
            "Of SQLite: a file, in vnmgr's state directory unless the path is absolute; else "
            "`openvnet.sqlite`. Of a server: the name; else `vnet`. It is made if it is not there."
        ),
    ] = None


class LiveNodes(Struct, frozen=True):
    """The registry of live nodes. One vnmgr needs none."""

    adapter: Annotated[Literal["redis"], _means("What it is.")] = "redis"
    host: Annotated[str, _means("Where it is.")] = "127.0.0.1"
    port: Annotated[Port, _means("Where it listens.")] = 6379
    user: Annotated[str | None, _means("Who vnmgr is to it; if not said, its default user.")] = None
    password: Annotated[str | None, _means("The user's, or what its `requirepass` says.")] = None
    tls: Annotated[bool, _means("`true`: speak TLS with it, and see that its name is right.")] = (
        False
    )
    ca: Annotated[
        str | None,
        _means("With `tls`: a file in PEM, by which its certificate is signed; else the system's."),
    ] = None


class Common(Struct, frozen=True):
    """What all programs may be told."""

    db: Annotated[Database, _means("Where vnmgr keeps everything.")] = Database()
    registry: Annotated[
        LiveNodes,
        _means(
            "By which several vnmgr over one database know each other; if it is not said, none."
        ),
    ] = LiveNodes()
    datapath_mac_group: Annotated[
        str | None,
        _means(
            "The MAC range group of route links, and of what datapaths carry, where no address and "
            "no topology with a group says otherwise."
        ),
    ] = None
    watchdog_interval: Annotated[Seconds, _means("Of the original's watchdog.", MEANINGLESS)] = 10
    watchdog_timeout: Annotated[Seconds, _means("Of the original's watchdog.", MEANINGLESS)] = 30
    watchdog_logging: Annotated[str, _means("Of the original's watchdog.", MEANINGLESS)] = "error"


class Address(Struct, frozen=True):
    """Where vnmgr listens for other programs on TCP, besides its sockets in the run directory."""

    protocol: Annotated[Literal["tcp"], _means("Always encrypted.")] = "tcp"
    host: Annotated[Host, _means("An address of this machine.")] = "127.0.0.1"
    public: Annotated[str, _means("Where others reach it, if that is not `host`.")] = ""
    port: Annotated[Port, _means("The TCP port.")] = 9102


class UnusedAddress(Struct, frozen=True):
    """An address that the original listened at."""

    protocol: Annotated[Literal["tcp"], _means(NO_LISTENER)] = "tcp"
    host: Annotated[str, _means(NO_LISTENER)] = "127.0.0.1"
    public: Annotated[str, _means(NO_LISTENER)] = ""
    port: Annotated[Port | None, _means(NO_LISTENER)] = None


class VnmgrNode(Struct, frozen=True):
    """vnmgr's place among the programs."""

    id: Annotated[str, _means("Its name. Nothing refers to it.")] = "vnmgr"
    addr: Annotated[
        Address | None, _means("Where it listens on TCP. Without this block it does not.")
    ] = None


class VnaNode(Struct, frozen=True):
    """vna's place among the programs."""

    id: Annotated[Name, _means("Its name: the `node_id` of its datapath.")] = "vna"
    addr: Annotated[UnusedAddress, _means(NO_LISTENER)] = UnusedAddress()


class WebapiNode(Struct, frozen=True):
    """webapi's place among the programs."""

    id: Annotated[str, _means("Its name. Nothing refers to it.")] = "webapi"
    addr: Annotated[UnusedAddress, _means(NO_LISTENER)] = UnusedAddress()


class Vnmgr(Struct, frozen=True):
    """What vnmgr may be told."""

    node: Annotated[VnmgrNode, _means("Its name and address.")] = VnmgrNode()
    service_init_timeout: Annotated[Seconds, _means("It starts at once.", MEANINGLESS)] = 120


class Tls(Struct, frozen=True):
    """TLS on webapi's TCP port."""

    certificate: Annotated[
        str | None, _means("A file in PEM: the certificate, then those that it was signed by.")
    ] = None
    key: Annotated[str | None, _means("A file in PEM: the certificate's key.")] = None


class Webapi(Struct, frozen=True):
    """What webapi may be told."""

    node: Annotated[WebapiNode, _means("Its name.")] = WebapiNode()
    tls: Annotated[Tls, _means("TLS on its TCP port; without it, webapi speaks none.")] = Tls()
    require_tokens: Annotated[
        bool,
        _means(
            "`true`: whoever comes to the TCP port needs a token, also on 127.0.0.1. Elsewhere it "
            "is so anyway."
        ),
    ] = False
    insecure: Annotated[
        bool,
        _means(
            "`true`: listen where others reach it without TLS and tokens. Whoever reaches it may "
            "then write networks."
        ),
    ] = False
    pagination_limit: Annotated[
        Items, _means("Items of a list at most, if the request does not say.")
    ] = 30


class GatewayAddress(Struct, frozen=True):
    """The next hop of a network."""

    address: Annotated[str | None, _means("An IPv4 address.", LATER)] = None


class GatewayNetwork(Struct, frozen=True):
    """A network with a next hop."""

    uuid: Annotated[str | None, _means("The network.", LATER)] = None
    gateway: Annotated[GatewayAddress, _means("Its next hop.", LATER)] = GatewayAddress()


class Vna(Struct, frozen=True):
    """What vna may be told."""

    node: Annotated[VnaNode, _means("Its name.")] = VnaNode()
    bridge: Annotated[Link, _means("The bridge of this host that OpenVNet has.")] = "br0"
    uplink: Annotated[
        tuple[Link, ...],
        _means(
            "A port of the bridge that leads to the physical network; several may be given, one a "
            "line. The host's own traffic passes there whatever OpenVNet does."
        ),
    ] = ()
    ovsdb: Annotated[
        str | None, _means("Open vSwitch's database: `unix:/path` or `tcp:host:port`.")
    ] = None
    network: Annotated[GatewayNetwork, _means("Where routers send what is not near.", LATER)] = (
        GatewayNetwork()
    )
    switch: Annotated[str | None, _means("vna's bridge is the one that calls.", MEANINGLESS)] = None
    bootstrap_init_timeout: Annotated[Seconds, _means("It starts at once.", MEANINGLESS)] = 600
    main_init_timeout: Annotated[Seconds, _means("It starts at once.", MEANINGLESS)] = 120
    trema_home: Annotated[str | None, _means("There is no Trema.", MEANINGLESS)] = None
    trema_tmp: Annotated[str, _means("There is no Trema.", MEANINGLESS)] = "/var/run/openvnet"


PROGRAMS: dict[str, type[Struct]] = {"vnmgr": Vnmgr, "webapi": Webapi, "vna": Vna}
"""What the file of each program may say, besides `Common`."""
