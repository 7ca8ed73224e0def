"""What can go wrong between us and a switch.

OpenFlowError
├── MalformedMessage   bytes from the switch that are not what they should be
├── UnencodableFlow    a flow that cannot be said in OpenFlow
├── Refusal            the switch answered a request with an error
└── Disconnected       the connection is gone
"""


class OpenFlowError(Exception):
    """Any failure of this package."""


class MalformedMessage(OpenFlowError):
    """Bytes from the switch that cannot be read; the connection is not to be trusted any more."""


class UnencodableFlow(OpenFlowError):
    """A flow that names what OpenFlow has no word for, or a value too wide for its field."""


class Refusal(OpenFlowError):
    """The switch's error message, in words."""


class Disconnected(OpenFlowError):
    """The connection to the switch is gone; what was being written may or may not be there."""
