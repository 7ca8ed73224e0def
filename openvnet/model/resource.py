"""What one declaration of a resource says: enough for its table, REST routes, CLI verbs and page.

A resource's row is a frozen `msgspec.Struct` whose fields are annotated with an `Attribute`.
`Resource` adds what is not a field: names, uniqueness, parameters that exist only on creation.

    /networks/nw-1                      a resource
    /interfaces/if-1/ports/ifp-1        a sub-resource: `parent` names the interface
    /datapaths/dp-1/networks/nw-1       a relation: `parent` and `related` name what it joins

What refers to a row is deleted with it, whatever it is: no reference ever dangles.
"""

from collections.abc import Mapping
from typing import Any, get_type_hints

import msgspec

from openvnet.model.scalars import Scalar


class Attribute(msgspec.Struct, frozen=True):
    """One attribute of a resource, or (in `Resource.parameters`) something to create it with."""

    doc: str
    type: Scalar
    required: bool = False
    create: bool = True
    """May be given when the resource is created."""
    update: bool = False
    """May be changed afterwards."""
    clears: bool = False
    """May be cleared afterwards, as references may, by null or the empty text."""
    role: str = ""
    """The least role that may say it; empty: whoever may write the resource."""
    reserved: tuple[Any, ...] = ()
    """Values that only an operator may say."""
    shared: bool = False
    """Of a reference: what is only shared with one's project will do, too."""


class Resource(msgspec.Struct, frozen=True):
    """A kind of thing that users declare, with its names in the API and on the command line."""

    kind: type[Any]
    singular: str
    """As in messages: 'MAC lease'."""
    collection: str
    """As in paths and on the command line: 'mac_leases'."""
    prefix: str
    """Of its uuids."""
    unique: tuple[tuple[str, ...], ...] = ()
    """Combinations of attributes that no two rows may share (None never counts as shared)."""
    parameters: Mapping[str, Attribute] | None = None
    """What creation takes beside the attributes, and change too where they have `update`."""
    parent: str | None = None
    """The attribute that names the resource below whose path this one lives: 'interface_uuid'."""
    related: str | None = None
    """Of a relation: the attribute that names the other resource, which its path ends in."""
    word: str = ""
    """As in paths and on the command line, where that is not the collection: 'networks'."""
    deleted_by: tuple[str, ...] = ()
    """Of a sub-resource: the parameters by which DELETE finds rows. If one of them is required,
    they describe one row; otherwise all that have what is given."""
    verbs: tuple[str, ...] = ("create", "list", "show", "update", "delete")
    """What can be done with it, beside the actions."""
    actions: Mapping[str, Mapping[str, Attribute]] | None = None
    """PUT /<collection>/<uuid>/<action>, each with its parameters."""
    makes: Mapping[str, Mapping[str, Attribute]] | None = None
    """POST /<collection>/<uuid>/<other collection>, each with its parameters: has it make one."""
    owner: str | None = None
    """The attribute that names what it belongs to, if to anything: it is of the same project."""
    deletion: str = ""
    """What its deletion is called on the command line, if not `del`."""
    private: tuple[str, ...] = ()
    """Fields that only programs of ours say, on creation, and that no answer shows."""
    reader: str = ""
    """The least role that may read it; empty: as its parent's, or a viewer."""
    writer: str = ""
    """The least role that may write it; empty: as its parent's, or a member."""

    @property
    def in_paths(self) -> str:
        """Its word in paths and on the command line."""
        return self.word or self.collection

    @property
    def one(self) -> str:
        """Its singular with the article: 'an IP lease'."""
        return f"{'an' if self.singular[0] in 'aeioAEIO' else 'a'} {self.singular}"

    @property
    def doc(self) -> str:
        """What the resource is, for people."""
        return (self.kind.__doc__ or "").strip()


def attributes(kind: type[Any]) -> Mapping[str, Attribute]:
    """The declared attributes of a row's class, in order."""
    if kind not in _ATTRIBUTES:
        _ATTRIBUTES[kind] = _declared(kind)
    return _ATTRIBUTES[kind]


_ATTRIBUTES: dict[type[Any], Mapping[str, Attribute]] = {}


def _declared(kind: type[Any]) -> Mapping[str, Attribute]:
    hints = get_type_hints(kind, include_extras=True)
    return {
        name: declared
        for name in kind.__struct_fields__
        for declared in getattr(hints[name], "__metadata__", ())
        if isinstance(declared, Attribute)
    }


def indexes(kind: type[Any]) -> tuple[str, ...]:
    """The fields by which State finds rows of this class."""
    return tuple(getattr(kind, "indexes", ()))
