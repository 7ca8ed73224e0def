"""Who hears what: the scopes that each listener hears, and what a revision means to each.

A listener hears the closure of its roots: all that they lead to. It is kept, not computed, and with
each scope of it the scopes that led there: a change adds what its new edges lead to, and takes away
what nothing leads to any more, so it costs what it touches, however many members a network has.
Nothing here sends; `streams` does.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from openvnet.manager.scopes import (
    Edge,
    Key,
    edges,
    onward,
    row_at,
    rows_in,
    scopes,
    touched,
)
from openvnet.model import Row
from openvnet.state import State
from openvnet.store.transaction import Change
from openvnet.wire.messages import Scope


class Listener:
    """One who hears: of a datapath (or, for now, of none), from some roots on."""

    def __init__(self, dpid: str | None) -> None:
        self.dpid = dpid
        self.roots: set[Scope] = set()
        self.heard: dict[Scope, set[Scope]] = {}
        """The scopes that it hears, each with those of them that lead there."""


class News:
    """What changed for one listener."""

    def __init__(self) -> None:
        self.put: dict[Key, Row] = {}
        self.remove: dict[Key, None] = {}


class Audience:
    """All listeners, by the scopes that they hear."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._hearers: dict[Scope, set[Listener]] = {}

    def hearers(self, scope: Scope) -> frozenset[Listener]:
        """Those who hear a scope."""
        return frozenset(self._hearers.get(scope, ()))

    def join(self, listener: Listener, roots: Iterable[Scope]) -> None:
        """Hear from some roots on; `rows` are what it hears thereby."""
        listener.roots = set(roots)
        self._grow(listener, listener.roots)

    def listen(
        self, listener: Listener, add: Iterable[Scope], remove: Iterable[Scope] = ()
    ) -> News:
        """Change a listener's roots; what it hears thereby, and what no more."""
        add, remove = set(add), set(remove)
        listener.roots = (listener.roots - remove) | add
        gained = self._grow(listener, add)
        lost = self._shrink(listener, remove)
        return self._turned(listener, gained, lost)

    def leave(self, listener: Listener) -> None:
        """Hear no more."""
        for scope in listener.heard:
            self._forget(listener, scope)
        listener.heard = {}

    def rows(self, listener: Listener) -> Iterator[Row]:
        """All that a listener hears of, each row once."""
        heard = {
            (type(row), row.uuid): row
            for scope in listener.heard
            for row in rows_in(scope, self._state)
        }
        yield from heard.values()

    def publish(self, changes: Sequence[Change], apply: Callable[[], None]) -> dict[Listener, News]:
        """What a revision means to those who hear of it. `apply` puts it into the State."""
        keys = list(self._touched(changes))
        edges_before, heard_before = self._standing(keys)
        apply()
        edges_now, _ = self._standing(keys)
        gained, lost = self._follow(edges_now - edges_before, edges_before - edges_now)
        told: dict[Listener, News] = {}
        for listener in {*gained, *lost}:
            more, less = gained.get(listener, ()), lost.get(listener, ())
            told[listener] = self._turned(listener, more, less, frozenset(keys))
        changed = {(change.kind, change.uuid) for change in changes}
        for key, before in zip(keys, heard_before, strict=True):
            self._tell(told, key, before, key in changed)
        return told

    def _touched(self, changes: Sequence[Change]) -> dict[Key, None]:
        each = (touched(change.before, change.after, self._state) for change in changes)
        return dict.fromkeys(key for keys in each for key in keys)

    def _standing(self, keys: Sequence[Key]) -> tuple[set[Edge], list[set[Listener]]]:
        """The edges that rows make, and who hears each row."""
        made: set[Edge] = set()
        heard: list[set[Listener]] = []
        for key in keys:
            row = row_at(key, self._state)
            heard.append(set(self._hearing(row)))
            if row is not None:
                made.update(edges(row, self._state))
        return made, heard

    def _hearing(self, row: Row | None) -> Iterator[Listener]:
        if row is not None:
            for scope in scopes(row, self._state):
                yield from self._hearers.get(scope, ())

    def _follow(
        self, gained: Iterable[Edge], lost: Iterable[Edge]
    ) -> tuple[dict[Listener, list[Scope]], dict[Listener, list[Scope]]]:
        """Let the listeners hear on over new edges, and no more over those that are gone."""
        more: dict[Listener, list[Scope]] = {}
        for edge in gained:
            for listener in self.hearers(edge.source):
                if edge.dpid in (None, listener.dpid):
                    grown = self._grow(listener, (edge.target,), edge.source)
                    more.setdefault(listener, []).extend(grown)
        less: dict[Listener, list[Scope]] = {}
        for edge in lost:
            for listener in self.hearers(edge.target):
                if self._is_cut(listener, edge):
                    shrunk = self._shrink(listener, (edge.target,))
                    less.setdefault(listener, []).extend(shrunk)
        return more, less

    def _is_cut(self, listener: Listener, edge: Edge) -> bool:
        """Note that an edge is gone, unless another row makes the same; whether it was the last."""
        leading = listener.heard[edge.target]
        if edge.source in leading:
            if edge.target in onward(edge.source, listener.dpid, self._state):
                return False
            leading.discard(edge.source)
        return not leading

    def _tell(
        self, told: dict[Listener, News], key: Key, before: set[Listener], changed: bool
    ) -> None:
        row = row_at(key, self._state)
        now = set(self._hearing(row))
        for listener in before - now:
            told.setdefault(listener, News()).remove[key] = None
        if row is not None:
            for listener in now if changed else now - before:
                told.setdefault(listener, News()).put[key] = row

    def _turned(
        self,
        listener: Listener,
        gained: Iterable[Scope],
        lost: Iterable[Scope],
        touched: Collection[Key] = (),
    ) -> News:
        """The rows of scopes that are heard now, and of those that are no more.

        A scope that is in both was heard only on the way. Whether `touched` rows were heard before
        does not follow from the scopes that they are in now, so others must tell of those.
        """
        news = News()
        passing = set(gained) & set(lost)
        for scope in (scope for scope in gained if scope not in passing):
            news.put.update(((type(row), row.uuid), row) for row in rows_in(scope, self._state))
        for scope in (scope for scope in lost if scope not in passing):
            for row in rows_in(scope, self._state):
                key = type(row), row.uuid
                if key not in touched and not self.hears(listener, row):
                    news.remove[key] = None
        return news

    def hears(self, listener: Listener, row: Row) -> bool:
        """Whether a listener hears of a row."""
        return any(scope in listener.heard for scope in scopes(row, self._state))

    def _grow(
        self, listener: Listener, following: Iterable[Scope], source: Scope | None = None
    ) -> list[Scope]:
        """Hear of scopes, to which `source` leads (None: they are roots), and on from there."""
        gained: list[Scope] = []
        waiting = [(scope, source) for scope in following]
        while waiting:
            scope, leading = waiting.pop()
            if scope not in listener.heard:
                listener.heard[scope] = set()
                self._hearers.setdefault(scope, set()).add(listener)
                gained.append(scope)
                targets = onward(scope, listener.dpid, self._state)
                waiting.extend((target, scope) for target in targets)
            if leading is not None:
                listener.heard[scope].add(leading)
        return gained

    def _shrink(self, listener: Listener, candidates: Iterable[Scope]) -> list[Scope]:
        """Hear no more of what nothing leads to. No steps go in circles: a look back is enough."""
        lost: list[Scope] = []
        waiting = list(candidates)
        while waiting:
            scope = waiting.pop()
            if scope in listener.roots or listener.heard.get(scope, True):
                continue
            del listener.heard[scope]
            self._forget(listener, scope)
            lost.append(scope)
            for target in onward(scope, listener.dpid, self._state):
                if target in listener.heard:
                    listener.heard[target].discard(scope)
                    waiting.append(target)
        return lost

    def _forget(self, listener: Listener, scope: Scope) -> None:
        hearers = self._hearers[scope]
        hearers.discard(listener)
        if not hearers:
            del self._hearers[scope]
