"""How many packets were dropped for each reason, by what reads of the flows happen to tell.

Flows that drop are counted by the switch one by one, and to ask for all of them would hold it up.
But the audit reads all flows anyway, slice after slice; so what they count is taken from there.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from openvnet.openflow.replies import ActualFlow
from openvnet.pipeline.flow import Drop, Flow


class DropCounts:
    """Of one connection: what was counted before its first read was counted for others."""

    def __init__(self) -> None:
        self._packets: dict[int, int] = {}
        """What each flow that drops had counted when it was last read, by cookie; without 0."""
        self._begun = False

    def more(
        self, desired: Mapping[int, Flow], actual: Iterable[ActualFlow], slice: int = 0, of: int = 1
    ) -> Counter[str]:
        """Packets by reason since the last read of this slice, of which these are all flows."""
        now = {flow.cookie: flow.packets for flow in actual if flow.packets and flow.proven}
        dropped: Counter[str] = Counter()
        kept = {cookie: n for cookie, n in self._packets.items() if cookie & (of - 1) != slice}
        for cookie, packets in now.items():
            match desired.get(cookie):
                case Flow(actions=(Drop(reason),)):
                    before = self._packets.get(cookie, 0)
                    dropped[reason] += packets - before if packets >= before else packets
                    kept[cookie] = packets
        self._packets, begun, self._begun = kept, self._begun, True
        return +dropped if begun else Counter()
