"""A server of a database that begins when vnmgr does, as when a machine boots, is waited for."""

import logging
import time

from sqlalchemy import URL, Engine
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
    end, said = time.monotonic() + seconds, False
    while (error := _absence(engine)) and time.monotonic() < end:
        if not said:
            why = f"{shown(place)} cannot be reached: {dialects.words(error)}"
            logger.warning("%s. It is looked for again for %.0f s.", why, seconds)
            said = True
        time.sleep(PAUSE)
    engine.dispose()


def _absence(engine: Engine) -> DBAPIError | None:
    """Why there is no server; None if one has answered, whatever it said."""
    try:
        engine.connect().close()
    except DBAPIError as error:
        return error if dialects.is_away(error) else None
    return None
