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

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, Protocol

import msgspec

from openvnet.state import Cell, Changes, Id, Question, State, View

FEW = 4
"""More readers of a cell than these are held in a set."""

Key = tuple[Any, Hashable]
"""An output's place among what is desired: in which of few parts, and where in it."""
Before = defaultdict[Any, dict[Hashable, Any]]
"""What was desired, by part and the rest of the key."""


class Output(Protocol):
    """What a feature yields: a frozen value with its place among what is desired."""

    @property
    def key(self) -> Key:
        """Its place; (class, id) for a derived row."""


Feature = tuple[type[Any], Callable[[Any, View], Iterable[Output]]]


class Owner(msgspec.Struct, frozen=True, gc=False):
    """Who yielded an output: a feature, by its number, on a row."""

    feature: int
    id: Id


Readers = Owner | tuple[Owner, ...] | set[Owner]
"""Of one cell: one, a few or many."""


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
        self._strata = len(strata)
        self._features = [feature for features in strata for feature in features]
        self._stratum = [number for number, features in enumerate(strata) for _ in features]
        self.failures: dict[Owner, Exception] = {}
        """The owners that raised, and what."""
        self.conflicts: dict[Key, list[Owner]] = {}
        """Keys for which owners yield different outputs; the first of them has it."""
        self._of_kind: dict[type[Any], list[int]] = {}
        for number, (kind, _) in enumerate(self._features):
            self._of_kind.setdefault(kind, []).append(number)
        self._reads: dict[Owner, tuple[Any, ...]] = {}  # Question, value, question, value ...
        self._readers: defaultdict[Question, dict[Hashable, Readers]] = defaultdict(dict)
        self._yields: list[dict[Id, Any | tuple[Any, ...]]] = [{} for _ in self._features]
        self._wanted: defaultdict[Any, dict[Hashable, _Wish | dict[Owner, Any]]]
        self._wanted = defaultdict(dict)
        # Most of an agent's memory. Both halves of a cell, and of a key, are looked up one after
        # the other, so that no pair is kept. Most cells have one reader or two, most keys one
        # owner, and most owners yield one output: those are held with little around them.

    def apply(self, changes: Changes) -> Difference:
        """Take changes; return what to add and what to remove."""
        dirty: list[dict[Owner, None]] = [{} for _ in range(self._strata)]
        for (kind, id), row in changes.items():
            self._put(kind, id, row, dirty)
        before: Before = defaultdict(dict)
        for stratum, owners in enumerate(dirty):
            self._run_all(owners, before)
            for kind in [part for part in before if isinstance(part, type)]:
                for id in before.pop(kind):
                    self._put(kind, id, self.desired((kind, id)), dirty, after=stratum)
        return self._difference(before)

    def desired(self, key: Key) -> Any:
        """The output for a key, or None. Owners agree, merge, or the first one wins."""
        return _agreed(self._wishes(key))

    def all(self) -> Iterator[Any]:
        """All that is desired, derived rows left out."""
        for part, wanted in self._wanted.items():
            if not isinstance(part, type):
                yield from map(_agreed, wanted.values())

    def owners(self, key: Key) -> list[Owner]:
        """Who wants this, and so why it is there."""
        wanted = self._wishes(key) or {}
        return [wanted.owner] if isinstance(wanted, _Wish) else sorted(wanted, key=_order)

    def _wishes(self, key: Key) -> _Wish | dict[Owner, Any] | None:
        part, rest = key
        return self._wanted[part].get(rest) if part in self._wanted else None

    def yielded(self, kind: type[Any], id: Id) -> Iterator[Any]:
        """What a row makes desired by itself."""
        for number in self._of_kind.get(kind, ()):
            yield from _each(self._yields[number].get(id, ()))

    def kind_of(self, owner: Owner) -> type[Any]:
        """The kind of row that an owner ran on."""
        return self._features[owner.feature][0]

    def _put(
        self, kind: type[Any], id: Id, row: Any, dirty: list[dict[Owner, None]], after: int = -1
    ) -> None:
        """Store a row; add the owners to run again to `dirty`, all of strata `after` that one."""
        touched = self.state.put(kind, id, row)
        if not touched:
            return
        again = [Owner(number, id) for number in self._of_kind.get(kind, ())]
        for question, value in touched:
            if question in self._readers:
                again += _each(self._readers[question].get(value, ()))
        for owner in again:
            stratum = self._stratum[owner.feature]
            if stratum <= after:
                raise RuntimeError(f"{kind.__name__} is read in the stratum that yields it")
            dirty[stratum][owner] = None

    def _run_all(self, owners: Iterable[Owner], before: Before) -> None:
        """Run owners; note in `before` what was desired."""
        for owner in owners:
            yields = self._yields[owner.feature]
            old = {output.key: output for output in _each(yields.pop(owner.id, ()))}
            new = self._run(owner)
            if new:
                outputs = tuple(new.values())
                yields[owner.id] = outputs if len(outputs) > 1 else outputs[0]
            for key, output in new.items():
                if not old or old.pop(key, None) != output:
                    self._want(key, owner, output, before)
            for key in old:
                self._want(key, owner, None, before)

    def _want(self, key: Key, owner: Owner, output: Any, before: Before) -> None:
        """Note that an owner wants an output for a key, or (None) nothing any more."""
        part, rest = key
        places = self._wanted[part]
        wanted = places.get(rest)
        olds = before[part]
        if rest not in olds:
            olds[rest] = None if wanted is None else _agreed(wanted)
        if wanted is None or (isinstance(wanted, _Wish) and wanted.owner == owner):
            if output is None:
                del places[rest]
            else:
                places[rest] = _Wish(owner, output)
            return
        wishes = {wanted.owner: wanted.output} if isinstance(wanted, _Wish) else wanted
        wishes.pop(owner, None)
        if output is not None:
            wishes[owner] = output
        places[rest] = wishes if len(wishes) > 1 else _Wish(*next(iter(wishes.items())))
        self._note_conflict(key, wishes)

    def _note_conflict(self, key: Key, wishes: dict[Owner, Any]) -> None:
        first = next(iter(wishes.values()))
        if hasattr(first, "merge") or all(output == first for output in wishes.values()):
            self.conflicts.pop(key, None)
        else:
            self.conflicts[key] = sorted(wishes, key=_order)

    def _run(self, owner: Owner) -> dict[Key, Any]:
        """What an owner yields now; nothing if its feature raises."""
        kind, feature = self._features[owner.feature]
        reads: set[Cell] = set()
        outputs: dict[Key, Any] = {}
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
        known, fresh = self._reads.pop(owner, ()), reads
        if known:
            old = set(zip(known[::2], known[1::2], strict=True))
            fresh = reads - old
            for question, value in old - reads:
                self._forget_reader(question, value, owner)
        for question, value in fresh:
            cells = self._readers[question]
            readers = cells.get(value)
            if readers is None:
                cells[value] = owner
            elif isinstance(readers, set):
                readers.add(owner)
            else:
                few = (*_each(readers), owner)
                cells[value] = few if len(few) <= FEW else set(few)
        if reads:
            self._reads[owner] = tuple(chain.from_iterable(reads))

    def _forget_reader(self, question: Question, value: Hashable, owner: Owner) -> None:
        cells = self._readers[question]
        readers = cells[value]
        if isinstance(readers, set) and len(readers) > FEW:
            readers.remove(owner)
            return
        few = tuple(reader for reader in _each(readers) if reader != owner)
        if few:
            cells[value] = few if len(few) > 1 else few[0]
        else:
            del cells[value]

    def _difference(self, before: Before) -> Difference:
        difference = Difference([], [])
        for part, olds in before.items():
            wanted = self._wanted[part]
            for rest, old in olds.items():
                new = _agreed(wanted.get(rest))
                if new == old:
                    continue
                if new is not None:
                    difference.add.append(new)
                if old is not None:
                    difference.remove.append(old)
        return difference


def _agreed(wanted: _Wish | dict[Owner, Any] | None) -> Any:
    if wanted is None:
        return None
    if isinstance(wanted, _Wish):
        return wanted.output
    outputs = [wanted[owner] for owner in sorted(wanted, key=_order)]
    merge = getattr(type(outputs[0]), "merge", None)
    return merge(outputs) if merge else outputs[0]


def _each(held: Any) -> Collection[Any]:
    """What is held in a collection, or without one."""
    return held if type(held) in (tuple, set) else (held,)


def _order(owner: Owner) -> tuple[int, str]:
    return owner.feature, repr(owner.id)
