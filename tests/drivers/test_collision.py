"""Two different flows with one cookie: all but impossible by chance, found by a long search.

The search walked 5·10⁹ flows of the form below, in table 2 (Pollard's rho), until two met.
"""

import pytest

from openvnet.openflow.encoding import cookie_of, encode
from openvnet.pipeline.fields import eth_dst, eth_src
from openvnet.pipeline.flow import Flow, match
from openvnet.pipeline.tables import Table
from tests.drivers.bridge import agent_of, in_loop, some_flows


def found(number):
    terms = match(eth_src(number >> 48), eth_dst(number & 0xFFFFFFFFFFFF))
    return Flow(Table(2), 1, terms, ())


ONE, OTHER = found(0x6727F22260973FCA), found(0x761F3841445C0220)


def test_there_are_two_flows_with_one_cookie():
    assert cookie_of(ONE) == cookie_of(OTHER)
    assert encode(ONE) != encode(OTHER)


@pytest.mark.ovs
@in_loop
async def test_the_second_of_two_flows_with_one_cookie_is_refused(ovs):
    flows = some_flows(10)
    async with agent_of(ovs) as agent:
        switch = await agent.switch()
        for written in (
            await switch.reconcile([ONE, *flows, OTHER], sweep=True, ports=()),
            await switch.write([OTHER], []),
            await switch.write([ONE, OTHER], []),
        ):
            (refused,) = written.refused
            assert refused.flow == OTHER
            assert refused.reason == "its cookie is already that of a different flow"
        assert len(ovs.dump()) == 11
        await switch.write([], [ONE])
        assert (await switch.write([OTHER, *flows], [])).refused == ()
        assert len(ovs.dump()) == 11
