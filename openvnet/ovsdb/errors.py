"""What can go wrong with OVSDB.

OvsdbError
├── ProtocolError     the peer sent what is not OVSDB
└── TransactionError  the database refused a transaction
"""


class OvsdbError(Exception):
    """Open vSwitch's database could not be read or written."""


class ProtocolError(OvsdbError):
    """The peer sent what is not OVSDB (RFC 7047)."""


class TransactionError(OvsdbError):
    """The database refused a transaction."""
