"""vnmgr's own key, and how it gets another without locking anybody out.

    openvnet join --rotate ──► the next key lies beside the key
      each node is told of both, and keeps them            Managers, Knows
      all have, or were revoked ──► the next key is the key; connections are made anew, with it
      each node is told of it alone

A node that is away holds this up, and the log names it: it would be locked out.
"""

import asyncio
import logging

import zmq

from openvnet.manager.replica import Replica
from openvnet.manager.streams import Streams
from openvnet.manager.tcp import Tcp
from openvnet.model import Node
from openvnet.wire.front import Front
from openvnet.wire.joined import Manager
from openvnet.wire.keys import KeysError, server_keys, take_next

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


class Renewal:
    """Looks, each second, whether vnmgr is to have another key. Use it in the loop."""

    def __init__(
        self, tcp: Tcp, front: Front, number: int, streams: Streams, replica: Replica
    ) -> None:
        self._tcp, self._front, self._number = tcp, front, number
        self._streams, self._replica = streams, replica
        self._missing: list[str] | None = None
        self._trouble = ""
        self._loop = asyncio.get_running_loop()
        streams.managers = tcp.managers()
        self._look = self._loop.call_later(LOOK_SECONDS, self._look_again)

    def close(self) -> None:
        """Look no more."""
        self._look.cancel()

    def _look_again(self) -> None:
        self._look = self._loop.call_later(LOOK_SECONDS, self._look_again)
        try:
            self._tcp = self._tcp._replace(keys=server_keys(self._tcp.state))
            self._trouble = ""
        except KeysError as error:
            if self._trouble != str(error):
                logger.error("%s", error)
            self._trouble = str(error)
            return
        self._streams.managers = self._managers()
        for agent in list(self._streams.agents.values()):
            self._streams.tell_managers(agent)
        self._streams.tell_others()
        if self._tcp.keys.next and not self._still_missing():
            self._take_next()

    def _managers(self) -> tuple[Manager, ...]:
        sharing, own = self._streams.sharing, self._tcp.managers()
        return sharing.managers(own) if sharing else own

    def _still_missing(self) -> list[str]:
        """The nodes that have joined and do not keep the next key yet."""
        managers = self._streams.managers
        missing = sorted(
            node.node_id
            for node in self._replica.every(Node)
            if node.public_key is not None and self._streams.known_to(node) != managers
        )
        if missing and missing != self._missing:
            logger.info(
                "vnmgr's next key waits until it is known to %s; who never comes back is to be "
                "revoked.",
                ", ".join(missing),
            )
        self._missing = missing
        return missing

    def _take_next(self) -> None:
        try:
            take_next(self._tcp.state)
            self._tcp = self._tcp._replace(keys=server_keys(self._tcp.state))
        except (OSError, KeysError) as error:
            logger.error("vnmgr's next key cannot be taken: %s", error)
            return
        self._front.no_more(self._number, self._tcp.endpoint)
        self._streams.managers = self._managers()
        self._open_again()

    def _open_again(self) -> None:
        """Listen with the new key; libzmq takes a moment to let go of the port."""
        try:
            self._number = self._front.open(self._tcp.endpoint, self._tcp.keys.secret)
        except zmq.ZMQError:
            self._loop.call_later(0.02, self._open_again)
            return
        self._missing = None
        logger.info("vnmgr has another key; all nodes that have joined know it.")
