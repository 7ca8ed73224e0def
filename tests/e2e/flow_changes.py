"""What changes in a switch's flow tables, as the switch itself tells Open vSwitch's own program."""

import os
import re
import select
from contextlib import contextmanager

from openvnet.lab.errors import LabError

_WATCH = "ovs-ofctl --protocols=OpenFlow13 monitor br0 'watch:!initial' 2>&1 & read -r _; kill $!"


class FlowChanges:
    """The changes since the last time that somebody asked."""

    def __init__(self, lab, host, output):
        self._lab, self._host, self._output = lab, host, output
        self._text = ""

    def so_far(self):
        """The events until now, but for those of the mark that this sets; vna must be at work.

        A flow set by hand is reported after all that came before it, and vna takes it away again
        when it has done all that it had to do before.
        """
        mark = "table=200,priority=7,actions=drop"
        self._lab.run(self._host, "ovs-ofctl", "--protocols=OpenFlow13", "add-flow", "br0", mark)
        self.hear("event=DELETED reason=delete table=200")
        events = re.findall(r"event=.*", self._text)
        self._text = ""
        return [event for event in events if "table=200" not in event]

    def hear(self, words):
        """Listen until the switch has said these words."""
        while words not in self._text:
            if not select.select([self._output], [], [], 15)[0]:
                raise LabError(f"the switch never said {words!r}, but: {self._text}")
            self._text += os.read(self._output.fileno(), 65536).decode()


@contextmanager
def flow_changes(lab, host):
    """Listens to a host's switch for as long as the block lasts."""
    with lab.open(host, "sh", "-c", _WATCH) as monitor:
        changes = FlowChanges(lab, host, monitor.stdout)
        changes.hear("FLOW_MONITOR reply")
        yield changes
        monitor.stdin.close()
