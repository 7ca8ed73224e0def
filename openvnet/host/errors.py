"""What goes wrong with a host as a whole.

HostError
└── SwitchError   Open vSwitch is not there, or is not as it must be
    └── NoBridge  it has no bridge of that name
"""


class HostError(Exception):
    """What was asked for cannot be done; the text says why, and what would help."""


class SwitchError(HostError):
    """Open vSwitch is not there, or is not as it must be."""


class NoBridge(SwitchError):
    """Open vSwitch has no bridge of that name."""
