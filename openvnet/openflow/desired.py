"""The flows that one switch should have, by cookie and by place."""

from collections.abc import Iterable, Sequence

from openvnet.openflow.encoding import place_of
from openvnet.openflow.learning import Learning
from openvnet.pipeline.flow import Flow


class DesiredFlows:
    """What we wrote and want to stay. At each place there is one flow, and one cookie for each."""

    def __init__(self) -> None:
        self.flows: dict[int, Flow] = {}
        """By cookie."""
        self.cookies: dict[bytes, int] = {}
        """By place."""
        self.learning = Learning()

    def clear(self) -> None:
        """Want nothing."""
        self.flows.clear()
        self.cookies.clear()
        self.learning = Learning()

    def put(self, cookie: int, place: bytes, flow: Flow) -> None:
        """Want a flow, instead of the one that was wanted at its place."""
        replaced = self.cookies.get(place)
        if replaced != cookie:
            if replaced is not None:
                self.learning.remove(self.flows.pop(replaced))
            self.learning.add(flow)
        self.cookies[place] = cookie
        self.flows[cookie] = flow

    def drop(self, cookies: Iterable[int]) -> None:
        """Want these no more."""
        for cookie in cookies:
            flow = self.flows.pop(cookie, None)
            if flow is not None:
                del self.cookies[place_of(flow)]
                self.learning.remove(flow)

    def at(self, place: bytes) -> Flow | None:
        """The flow that is wanted at a place."""
        cookie = self.cookies.get(place)
        return None if cookie is None else self.flows[cookie]

    def collisions(self, cookies: Sequence[int], places: Sequence[bytes]) -> set[int]:
        """Positions of those whose cookie is already that of a flow at another place.

        It is all but impossible by chance (64 bits), and must not be overlooked: deleting the one
        would delete the other.
        """
        fresh = dict(zip(cookies, places, strict=True))
        if len(fresh) == len(cookies) and fresh.keys().isdisjoint(self.flows.keys()):
            return set()
        seen: dict[int, bytes] = {}
        return {
            position
            for position, (cookie, place) in enumerate(zip(cookies, places, strict=True))
            if seen.setdefault(cookie, self._place_of(cookie) or place) != place
        }

    def _place_of(self, cookie: int) -> bytes | None:
        flow = self.flows.get(cookie)
        return None if flow is None else place_of(flow)

    def slice(self, number: int, of: int) -> dict[int, Flow]:
        """Those whose cookie is `number` modulo `of`, a power of two."""
        mask = of - 1
        return {cookie: flow for cookie, flow in self.flows.items() if cookie & mask == number}
