"""What the store refuses or cannot do.

StoreError                 the database cannot be used; the text says what to do about it
├── StoreInUse             another vnmgr holds it, or the directory of the sockets
├── StoreTooNew            a later release has migrated it
├── StoreLost              the connection to its server is gone
├── StoreBusy              others were in the way for too long
└── StoreInDoubt           the connection was lost in a commit, and has not come back
Replaced                   the database is another one now: vnmgr must begin anew
Taken                      a unique combination of attributes belongs to another row
"""

from collections.abc import Mapping
from typing import Any


class StoreError(Exception):
    """The database cannot be used. Nothing of the failed write is in it."""


class StoreInUse(StoreError):
    """Another vnmgr holds the database, or the directory of the sockets."""


class StoreTooNew(StoreError):
    """The database was migrated by a release that this one does not know."""


class StoreLost(StoreError):
    """The connection to the server is gone. Nothing of the failed write is in the database."""


class StoreBusy(StoreError):
    """Others were in the way for too long."""


class StoreInDoubt(StoreError):
    """The connection was lost in a commit: nobody can say yet whether the write was kept."""


class Replaced(Exception):
    """Behind the server's name is another database than before: nothing in memory holds."""


class Taken(Exception):
    """A row may not be stored, since another holds what only one may have."""

    def __init__(self, row: Any, values: Mapping[str, Any], holder: Any) -> None:
        super().__init__(f"{holder.uuid} has {', '.join(values)} already")
        self.row = row
        """The row that was refused."""
        self.values = values
        """The attributes that may not be shared, by name."""
        self.holder = holder
        """The row that has them."""
