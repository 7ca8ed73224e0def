"""The attribute that all resources have which are not below another one: their project."""

from typing import Annotated

from openvnet.model.resource import Attribute
from openvnet.model.scalars import reference

DEFAULT_PROJECT = "pj-default"
"""It is always there, and whatever nobody says a project of is its."""

ProjectUuid = Annotated[
    str,
    Attribute(
        "The project that it belongs to; that of what it is leased to or is part of, else that of "
        "who makes it.",
        reference("pj"),
        update=True,
        role="operator",
    ),
]
