"""What is desired, from State; computing again only what a change can have affected.

A *feature* is a kind of row and a generator, `feature(row, view) -> Iterator[Output]`. An output
has a `key`; what is desired is one output for each key. The feature and the row's id together are
the *owner* of what was yielded. An output that no owner yields any more is gone, so nobody writes
deletion. An output whose key is a class and an id is a derived row: it goes back into State, where
features of later strata read it.

    changes --> State --touched cells--> owners that read them --run again--> outputs
                  ^                                                             |
                  +----------------- derived rows, stratum by stratum ----------+

Two owners may yield the same key. If their outputs are equal, it stays until both are gone; if the
class has a `merge`, they are merged; else the first owner wins, whatever the history was, and the
conflict is reported. A feature that raises costs its own row only: that owner yields nothing, and
is named in `failures`.

It is misused by a feature that remembers, looks at a clock, or reads State past its view: what it
yields will then be stale without anybody noticing. The property test "incremental equals from
scratch" notices.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeGuard

import msgspec

from openvnet.state import Cell, Changes, Id, RowKey, State, View


class Output(Protocol):
    """What a feature yields: a frozen value with its place among what is desired."""

    @property
    def key(self) -> Hashable:
        """Its place; (class, id) for a derived row."""


Feature = tuple[type[Any], Callable[[Any, View], Iterable[Output]]]


class Owner(msgspec.Struct, frozen=True, gc=False):
    """Who yielded an output: a feature, by stratum and number, on a row."""

    stratum: int
    number: int
    id: Id


class _Wish(msgspec.Struct, frozen=True, gc=False):
    """What one owner wants for a key."""

    owner: Owner
    output: Any


class Difference(NamedTuple):
    """What a change did to what is desired; an output that was replaced is in both."""

    add: list[Any]
    remove: list[Any]


class Compiler:
    """Strata of features over State; each owner owns what it yields."""

    def __init__(self, strata: Sequence[Sequence[Feature]]) -> None:
        self.state = State()
        self.strata = strata
        self.failures: dict[Owner, Exception] = {}
        """The owners that raised, and what."""
        self.conflicts: dict[Hashable, list[Owner]] = {}
        """Keys for which owners yield different outputs; the first of them has it."""
        self._features: dict[type[Any], list[tuple[int, int]]] = {}
        for stratum, features in enumerate(strata):
            for number, (kind, _) in enumerate(features):
                self._features.setdefault(kind, []).append((stratum, number))
        self._reads: dict[Owner, tuple[Cell, ...]] = {}
        self._readers: dict[Cell, Owner | set[Owner]] = {}
        self._yields: dict[Owner, Any | tuple[Any, ...]] = {}
        self._wanted: dict[Hashable, _Wish | dict[Owner, Any]] = {}
        # Most cells have one reader, most keys one owner, and most owners yield one output: those
        # are held without a collection.

    def apply(self, changes: Changes) -> Difference:
        """Take changes; return what to add and what to remove."""
        dirty: list[set[Owner]] = [set() for _ in self.strata]
        for (kind, id), row in changes.items():
            self._put(kind, id, row, dirty)
        before: dict[Hashable, Any] = {}
        for stratum, owners in enumerate(dirty):
            for key in self._run_all(owners, before):
                self._put(*key, self.desired(key), dirty, after=stratum)
        return self._difference(before)

    def desired(self, key: Hashable) -> Any:
        """The output for a key, or None. Owners agree, merge, or the first one wins."""
        wanted = self._wanted.get(key)
        if wanted is None:
            return None
        if isinstance(wanted, _Wish):
            return wanted.output
        outputs = [wanted[owner] for owner in sorted(wanted, key=_order)]
        merge = getattr(type(outputs[0]), "merge", None)
        return merge(outputs) if merge else outputs[0]

    def all(self) -> Iterator[Any]:
        """All that is desired, derived rows left out."""
        return (self.desired(key) for key in self._wanted if not _is_row(key))

    def owners(self, key: Hashable) -> list[Owner]:
        """Who wants this, and so why it is there."""
        wanted = self._wanted.get(key, {})
        return [wanted.owner] if isinstance(wanted, _Wish) else sorted(wanted, key=_order)

    def yielded(self, kind: type[Any], id: Id) -> Iterator[Any]:
        """What a row makes desired by itself."""
        for stratum, number in self._features.get(kind, ()):
            yield from _each(self._yields.get(Owner(stratum, number, id), ()))

    def kind_of(self, owner: Owner) -> type[Any]:
        """The kind of row that an owner ran on."""
        return self.strata[owner.stratum][owner.number][0]

    def _put(
        self, kind: type[Any], id: Id, row: Any, dirty: list[set[Owner]], after: int = -1
    ) -> None:
        """Store a row; add the owners to run again to `dirty`, all of strata `after` that one."""
        touched = self.state.put(kind, id, row)
        if not touched:
            return
        again = [Owner(stratum, number, id) for stratum, number in self._features.get(kind, ())]
        for cell in touched:
            readers = self._readers.get(cell)
            if readers is not None:
                again += (readers,) if isinstance(readers, Owner) else readers
        for owner in again:
            if owner.stratum <= after:
                raise RuntimeError(f"{kind.__name__} is read in the stratum that yields it")
            dirty[owner.stratum].add(owner)

    def _run_all(self, owners: Iterable[Owner], before: dict[Hashable, Any]) -> list[RowKey]:
        """Run owners; note in `before` what was desired; return the derived rows concerned."""
        derived: dict[RowKey, None] = {}
        for owner in owners:
            old = {output.key: output for output in _each(self._yields.pop(owner, ()))}
            new = self._run(owner)
            if new:
                outputs = tuple(new.values())
                self._yields[owner] = outputs if len(outputs) > 1 else outputs[0]
            for key, output in new.items():
                if not old or old.pop(key, None) != output:
                    self._want(key, owner, output, before, derived)
            for key in old:
                self._want(key, owner, None, before, derived)
        return list(derived)

    def _want(
        self,
        key: Hashable,
        owner: Owner,
        output: Any,
        before: dict[Hashable, Any],
        derived: dict[RowKey, None],
    ) -> None:
        """Note that an owner wants an output for a key, or (None) nothing any more."""
        wanted = self._wanted.get(key)
        if _is_row(key):
            derived[key] = None
        elif key not in before:
            before[key] = None if wanted is None else self.desired(key)
        if wanted is None or (isinstance(wanted, _Wish) and wanted.owner == owner):
            if output is None:
                del self._wanted[key]
            else:
                self._wanted[key] = _Wish(owner, output)
            return
        wishes = {wanted.owner: wanted.output} if isinstance(wanted, _Wish) else wanted
        wishes.pop(owner, None)
        if output is not None:
            wishes[owner] = output
        self._wanted[key] = wishes if len(wishes) > 1 else _Wish(*next(iter(wishes.items())))
        self._note_conflict(key, wishes)

    def _note_conflict(self, key: Hashable, wishes: dict[Owner, Any]) -> None:
        first = next(iter(wishes.values()))
        if hasattr(first, "merge") or all(output == first for output in wishes.values()):
            self.conflicts.pop(key, None)
        else:
            self.conflicts[key] = sorted(wishes, key=_order)

    def _run(self, owner: Owner) -> dict[Hashable, Any]:
        """What an owner yields now; nothing if its feature raises."""
        kind, feature = self.strata[owner.stratum][owner.number]
        reads: set[Cell] = set()
        outputs: dict[Hashable, Any] = {}
        if self.failures:
            self.failures.pop(owner, None)
        row = self.state.rows.get(kind, {}).get(owner.id)
        if row is not None:
            try:
                outputs = {output.key: output for output in feature(row, View(self.state, reads))}
            except Exception as error:  # Whatever a feature raises, other rows must not pay for it.
                self.failures[owner] = error
        self._remember(owner, reads)
        return outputs

    def _remember(self, owner: Owner, reads: set[Cell]) -> None:
        old = self._reads.pop(owner, ())
        for cell in old:
            if cell not in reads:
                self._forget_reader(cell, owner)
        for cell in reads.difference(old) if old else reads:
            readers = self._readers.get(cell)
            if readers is None:
                self._readers[cell] = owner
            elif isinstance(readers, Owner):
                self._readers[cell] = {readers, owner}
            else:
                readers.add(owner)
        if reads:
            self._reads[owner] = tuple(reads)

    def _forget_reader(self, cell: Cell, owner: Owner) -> None:
        readers = self._readers[cell]
        if isinstance(readers, Owner):
            del self._readers[cell]
            return
        readers.remove(owner)
        if len(readers) == 1:
            self._readers[cell] = readers.pop()

    def _difference(self, before: dict[Hashable, Any]) -> Difference:
        difference = Difference([], [])
        for key, old in before.items():
            new = self.desired(key)
            if new == old:
                continue
            if new is not None:
                difference.add.append(new)
            if old is not None:
                difference.remove.append(old)
        return difference


def _each(outputs: Any | tuple[Any, ...]) -> tuple[Any, ...]:
    return outputs if type(outputs) is tuple else (outputs,)


def _is_row(key: Hashable) -> TypeGuard[RowKey]:
    return type(key) is tuple and isinstance(key[0], type)


def _order(owner: Owner) -> tuple[int, int, str]:
    return owner.stratum, owner.number, repr(owner.id)
