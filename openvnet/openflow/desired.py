"""The flows that one switch should have, by cookie and by place."""

from collections.abc import Iterable, Sequence

from openvnet.openflow.encoding import place_of
from openvnet.openflow.learning import Learning
from openvnet.pipeline.flow import Flow


def short(place: bytes) -> int:
    """A place in short: 60 bits of its hash, and those of all flows take half the memory.

    It is made with a secret of this process (PEP 456), so nobody can think of two places that have
    the same one.
    """
    return hash(place) & (1 << 60) - 1


class DesiredFlows:
    """What we wrote and want to stay. At each place there is one flow, and one cookie for each."""

    def __init__(self) -> None:
        self.flows: dict[int, Flow] = {}
        """By cookie."""
        self._cookies: dict[int, int] = {}
        """By place, in short."""
        self.learning = Learning()

    def clear(self) -> None:
        """Want nothing."""
        self.flows.clear()
        self._cookies.clear()
        self.learning = Learning()

    def put(self, cookie: int, place: int, flow: Flow) -> None:
        """Want a flow, instead of the one that was wanted at its place, which is in short."""
        replaced = self._cookies.get(place)
        if replaced != cookie:
            if replaced is not None:
                self.learning.remove(self.flows.pop(replaced))
            self.learning.add(flow)
        self._cookies[place] = cookie
        self.flows[cookie] = flow

    def drop(self, cookies: Iterable[int]) -> None:
        """Want these no more."""
        for cookie in cookies:
            flow = self.flows.pop(cookie, None)
            if flow is not None:
                del self._cookies[short(place_of(flow))]
                self.learning.remove(flow)

    def cookie_at(self, place: bytes) -> int | None:
        """The cookie of the flow that is wanted at a place."""
        return self._cookies.get(short(place))

    def at(self, place: bytes) -> Flow | None:
        """The flow that is wanted at a place."""
        cookie = self.cookie_at(place)
        return None if cookie is None else self.flows[cookie]

    def collisions(self, cookies: Sequence[int], places: Sequence[int]) -> set[int]:
        """Positions of those whose cookie is already that of a flow at another place.

        It is all but impossible by chance (64 bits), and must not be overlooked: deleting the one
        would delete the other.
        """
        fresh = dict(zip(cookies, places, strict=True))
        if len(fresh) == len(cookies) and fresh.keys().isdisjoint(self.flows.keys()):
            return set()
        seen: dict[int, int] = {}
        return {
            position
            for position, (cookie, place) in enumerate(zip(cookies, places, strict=True))
            if seen.setdefault(cookie, self._place_of(cookie) or place) != place
        }

    def _place_of(self, cookie: int) -> int | None:
        flow = self.flows.get(cookie)
        return None if flow is None else short(place_of(flow))

    def slice(self, number: int, of: int) -> dict[int, Flow]:
        """Those whose cookie is `number` modulo `of`, a power of two."""
        mask = of - 1
        return {cookie: flow for cookie, flow in self.flows.items() if cookie & mask == number}
