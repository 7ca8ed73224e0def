"""A server of a database that begins when vnmgr does, as when a machine boots, is waited for."""

import logging
import time

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from openvnet.store import dialects
from openvnet.store.places import shown

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds; who is there only later is met by the next start, and who waits in vain learns why."""
PAUSE = 0.1


def reach(place: URL, seconds: float = PATIENCE) -> None:
    """Return when the server of a database answers, if only by a refusal, or after so long.

    Raise StoreError if there is nothing to speak to it with.
    """
    if place.get_backend_name() == "sqlite":
        return
    engine = dialects.engine(place)
    until, said = time.monotonic() + seconds, False
    while True:
        try:
            engine.connect().close()
            break
        except DBAPIError as error:
            if not dialects.is_away(error) or time.monotonic() > until:
                break
            if not said:
                logger.warning(
                    "%s cannot be reached: %s. It is looked for again for %.0f s.",
                    shown(place),
                    dialects.words(error),
                    seconds,
                )
            said = True
        time.sleep(PAUSE)
    engine.dispose()
