"""Which interfaces are on this host of which nobody could tell by their ports: vnmgr is told.

An interface whose interface ports name one datapath, and no other, is there. Of one whose port may
be on any, or that is bound on two hosts while it moves, only the host that has it can say so.
"""

from collections.abc import Hashable, Iterator

import msgspec

from openvnet.model import InterfacePort
from openvnet.model.host import Attachment
from openvnet.state import View


class Here(msgspec.Struct, frozen=True):
    """Something to report: an interface, and the port that it is behind."""

    interface_uuid: str
    port_name: str

    @property
    def key(self) -> Hashable:
        """Its place among what is desired."""
        return "here", self.interface_uuid


def reports(attachment: Attachment, view: View) -> Iterator[Here]:
    """That an interface is here, if its ports do not say it."""
    ports = view.where(InterfacePort, interface_uuid=attachment.interface_uuid)
    datapaths = {port.datapath_uuid for port in ports}
    if len(datapaths) != 1 or None in datapaths:
        yield Here(attachment.interface_uuid, attachment.port_name)


FEATURES = ((Attachment, reports),)
