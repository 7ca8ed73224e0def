"""What goes wrong in a lab.

LabError
└── CommandFailed   a program that the lab ran, with what it said
"""

from collections.abc import Sequence


class LabError(Exception):
    """A lab cannot do what was asked, and why."""


class CommandFailed(LabError):
    """A program ended with an exit status other than 0."""

    def __init__(self, command: Sequence[str], status: int, output: str) -> None:
        self.status, self.output = status, output
        said = f":\n{output.strip()}" if output.strip() else " and said nothing."
        super().__init__(f"`{' '.join(command)}` ended with status {status}{said}")
