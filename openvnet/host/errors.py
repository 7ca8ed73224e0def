"""What goes wrong with a host as a whole.

HostError
└── SwitchError   Open vSwitch is not there, or is not as it must be
"""


class HostError(Exception):
    """What was asked for cannot be done; the text says why, and what would help."""


class SwitchError(HostError):
    """Open vSwitch is not there, or is not as it must be."""
