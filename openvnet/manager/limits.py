"""How many connections vnmgr may have: to the system, each is an open file."""

import logging
import resource

from openvnet.manager.replica import Replica
from openvnet.model import Datapath, Node

logger = logging.getLogger(__name__)

BESIDE = 100
"""Files that are open whoever is connected: sockets, the database, logs."""


def raise_limit() -> None:
    """Have as many open files as this process may ever have; usually it begins with 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:
        logger.warning("The limit of open files stays at %d: %s.", soft, error)


def check_limit(replica: Replica) -> None:
    """Say it if not all hosts and webapis that are declared could be connected at once."""
    declared = {row.node_id for row in replica.every(Node)}
    declared |= {row.node_id for row in replica.every(Datapath)}
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit < len(declared) + BESIDE:
        logger.warning(
            "vnmgr may have %d open files, and needs %d for the %d nodes that are declared: not "
            "all could connect. `LimitNOFILE=` of its unit, or `ulimit -Hn`, says how many.",
            limit,
            len(declared) + BESIDE,
            len(declared),
        )
