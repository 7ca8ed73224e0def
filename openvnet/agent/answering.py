"""What the agent answers itself: a packet that a flow handed to it, by the handler that it names.

A meter in the switch keeps it from being too many (`pipeline.handlers`). An answer leaves by the
port by which the packet came, and by no other; if that is a trunk, in the VLAN that it came in.
"""

import logging
from collections.abc import Mapping

from openvnet.agent.agent import Agent
from openvnet.agent.moving import guest_spoke
from openvnet.features import ANSWERS, Answer
from openvnet.model.host import Attachment, PromiscuousPort
from openvnet.openflow.driver import Switch
from openvnet.openflow.errors import Disconnected
from openvnet.pipeline.fields import Registers, in_port
from openvnet.pipeline.flow import Output, tag
from openvnet.pipeline.handlers import Arrival, Handler
from openvnet.state import View

log = logging.getLogger(__name__)

_NAMES = {handler.value: handler for handler in Handler}


def answer(
    agent: Agent, switch: Switch, arrival: Arrival, answers: Mapping[Handler, Answer] = ANSWERS
) -> None:
    """Send back what the handler of a packet says, if an interface is behind the packet's port."""
    view, handler = View(agent.compiler.state), _NAMES.get(arrival.handler)
    senders = _behind(arrival.value(in_port), view)
    if handler is None or not senders:
        return
    if handler is Handler.SPEAKS:
        for sender in senders:
            guest_spoke(agent, sender.interface_uuid)
        return
    try:
        packet = answers[handler](arrival, senders[0], view)
        if packet is not None:
            tagged = tag(arrival.value(Registers.trunk))
            switch.send_packet(packet, (*tagged, Output(senders[0].number)))
    except Disconnected:
        return
    except Exception:  # One packet, however odd, must not cost the connection.
        log.exception("%s failed on a packet of %s", handler.name, senders[0].interface_uuid)


def _behind(number: int, view: View) -> list[Attachment] | list[PromiscuousPort]:
    """What is behind a port: interfaces, several if it is a trunk, or a LAN."""
    return view.where(Attachment, number=number) or view.where(PromiscuousPort, number=number)
