"""webapi and a vnmgr that goes away: what is asked again, and what was seen.

The wire is real; whoever is at its other end answers as the test says.
"""

import asyncio
from contextlib import closing

import pytest

from openvnet.api.asking import asking
from openvnet.api.credentials import CREDENTIALS
from openvnet.api.errors import Unavailable
from openvnet.wire.finding import Place
from openvnet.wire.front import REQUEST, Front
from openvnet.wire.messages import Reply, Request, Revision, encode, read_request
from openvnet.wire.rpc import Rpc


class Answering:
    """Who is in vnmgr's place: `take` gets each request, and whom to answer."""

    def __init__(self, socket, take):
        self._front, self._take = Front(), take
        self.endpoint = f"ipc://{socket}"
        self._front.open(self.endpoint)
        self._front.hand(REQUEST, self._receive)
        self.close = self._front.close

    def _receive(self, messages):
        for sent in messages:
            self._take(read_request(sent.data), sent.peer)

    def answer(self, request, peer, number):
        reply = Reply(request.id, revision=Revision("epoch", number))
        assert self._front.send(peer, encode(reply))


def test_an_answer_that_comes_late_makes_no_older_revision_the_newest_that_was_seen(tmp_path):
    async def within():
        CREDENTIALS.set("")
        asked = []

        def take(*one):
            asked.append(one)
            if len(asked) > 1:
                there.answer(*one, 2)
            if len(asked) == 2:
                there.answer(*asked[0], 1)

        there = Answering(tmp_path / "one", take)
        with closing(there), closing(Rpc(there.endpoint)) as rpc:
            call = asking(rpc, 5.0)
            await asyncio.gather(*(call(Request(0, "create", "networks")) for _ in range(2)))
            await call(Request(0, "list", "networks"))
        assert asked[2][0].seen == Revision("epoch", 2)

    asyncio.run(within())


@pytest.mark.parametrize(
    ("question", "again"),
    [
        (Request(0, "list", "networks"), True),
        (Request(0, "create", "networks"), False),
        (Request(0, "create", "networks", key="once"), True),
        (Request(0, "create", "networks", dry_run=True), True),
        (Request(0, "backup", values={"number": 1}), False),
        (Request(0, "restore", values={"number": 1}, dry_run=True), False),
    ],
)
def test_when_a_vnmgr_goes_away_the_next_is_asked_only_what_may_be_done_twice(
    tmp_path, question, again
):
    async def within():
        CREDENTIALS.set("")
        heard = []

        def take(*one):
            heard.append(one)
            second.answer(*one, 7)

        def die(*_):
            asyncio.get_running_loop().call_soon(first.close)

        first, second = Answering(tmp_path / "one", die), Answering(tmp_path / "two", take)
        places = [Place(each.endpoint) for each in (first, second)]
        with closing(second), closing(Rpc(lambda: places)) as rpc:
            call = asking(rpc, 5.0)
            if again:
                assert (await call(question)).revision == Revision("epoch", 7)
                assert [request.verb for request, _ in heard] == [question.verb]
            else:
                with pytest.raises(Unavailable, match="vnmgr went away before it answered"):
                    await call(question)
                await call(Request(0, "whoami"))
                assert [request.verb for request, _ in heard] == ["whoami"]

    asyncio.run(within())
