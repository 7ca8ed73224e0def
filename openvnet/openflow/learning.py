"""Which flows the switch has learnt by flows of ours: they are neither extra nor damage.

A learnt flow cannot prove itself as ours do: what it is depends on a packet, and its cookie is that
of all others which the same flow of ours teaches. So its table and its cookie together are the
proof: some desired flow must learn into this table with this cookie. Any other flow that is marked
as learned is foreign. A restarted agent needs no memory for that, only what is desired.

It is the switch that removes what was learnt with the last flow that learns it (`delete_learned`).
"""

from collections import Counter

from openvnet.openflow.replies import ActualFlow
from openvnet.pipeline.flow import Flow, Learn


class Learning:
    """Into which tables, and with which cookies, some flows learn."""

    def __init__(self) -> None:
        self._flows: Counter[tuple[int, int]] = Counter()
        """How many flows do, by table and cookie."""

    def __bool__(self) -> bool:
        return bool(self._flows)

    def add(self, flow: Flow) -> None:
        """Count a flow in, whether or not it learns."""
        for action in flow.actions:
            if type(action) is Learn:
                self._flows[action.table, action.cookie] += 1

    def remove(self, flow: Flow) -> None:
        """Count a flow out that was counted in."""
        for action in flow.actions:
            if type(action) is Learn:
                self._flows[action.table, action.cookie] -= 1
                if not self._flows[action.table, action.cookie]:
                    del self._flows[action.table, action.cookie]

    def taught(self, flow: ActualFlow) -> bool:
        """Whether the switch has learnt a flow by one of these."""
        return (flow.place[0], flow.cookie) in self._flows
