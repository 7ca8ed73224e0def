"""Who may do what: the roles, who asks, and which project a row is of.

    admin       everything: projects, tokens and quotas too
    operator    all resources of all projects, hosts and physical networks among them
    member      what is of its project
    viewer      reads what is of its project

What a role may do with a resource stands in the resource's declaration (`reader`, `writer`), and
what it may say of one in its attributes' (`role`, `reserved`); here is only how they are read. A
resource below another one is of that one's project, and has its roles unless it says otherwise.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from openvnet.model.resource import attributes

ROLES = ("viewer", "member", "operator", "admin")
"""Each may do what those before it may."""


class Caller(msgspec.Struct, frozen=True):
    """Who asks."""

    name: str
    role: str
    project_uuid: str | None = None
    """The project that it is confined to; None: all of them."""
    uuid: str = ""
    """Of its token; empty if it needs none."""

    def is_at_least(self, role: str) -> bool:
        """Whether it has a role, or one that may do more."""
        return ROLES.index(self.role) >= ROLES.index(role)

    @property
    def reads_as(self) -> str:
        """The role that says what it may read: who only reads, but everywhere, is an operator."""
        unconfined = self.role == "viewer" and self.project_uuid is None
        return "operator" if unconfined else self.role


LOCAL = Caller("local", "admin")
"""Who needs no token: a user of this machine."""
NOBODY = Caller("nobody", "viewer", "")
"""Who is not known yet."""


def reserved(row: Any) -> Iterator[tuple[str, Any, str]]:
    """What a row says that not every writer may say: the attribute, its value, and the role."""
    for name, attribute in attributes(type(row)).items():
        value = getattr(row, name)
        if value in attribute.reserved:
            yield name, value, "operator"
