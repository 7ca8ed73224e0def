import pytest

from openvnet.openflow.desired import DesiredFlows, short
from openvnet.openflow.encoding import encode
from openvnet.openflow.healing import HEALS, SECONDS, Drift, Patience, damage
from openvnet.openflow.replies import ADDED, DELETED, MODIFIED, ActualFlow, FlowUpdate
from openvnet.pipeline.fields import eth_dst
from openvnet.pipeline.flow import LEARNED, Flow, Learn, Output, match
from openvnet.pipeline.tables import Table


def delivery(mac, port):
    return Flow(Table.L2_LOOKUP, 100, match(eth_dst(mac)), (Output(port),))


OURS, STALE, OTHER = delivery(1, 1), delivery(2, 2), delivery(1, 9)
TAUGHT = LEARNED | 5
TEACHER = Flow(Table.ARP, 1, (), (Learn(Table.L2_LOOKUP, 1, TAUGHT, 9, ()),))
ELSEWHERE = Flow(Table.FLOOD, 100, match(eth_dst(2)), (Output(2),))


def desired(*flows):
    wanted = DesiredFlows()
    for flow in flows:
        cookie, place, _ = encode(flow)
        wanted.put(cookie, short(place), flow)
    return wanted


def update(event, flow, cookie=None):
    own, place, instructions = encode(flow)
    proven = cookie is None or cookie == own
    actual = ActualFlow(own if proven else cookie, place, instructions, 0, proven)
    return FlowUpdate(event, actual)


@pytest.mark.parametrize(
    ("event", "flow", "cookie", "what"),
    [
        (ADDED, OURS, None, None),
        (MODIFIED, OURS, None, None),
        (DELETED, OURS, None, "deleted"),
        (DELETED, OTHER, 0, "deleted"),
        (ADDED, OURS, 7, "modified"),
        (ADDED, OTHER, None, "modified"),
        (MODIFIED, OTHER, encode(OURS)[0], "modified"),
        (ADDED, OTHER, LEARNED, "modified"),
        (ADDED, STALE, None, "added"),
        (ADDED, STALE, 0, "added"),
        (MODIFIED, STALE, 0, "modified"),
        (DELETED, STALE, 0, None),
        (ADDED, STALE, TAUGHT, None),
        (MODIFIED, STALE, TAUGHT, None),
        (DELETED, STALE, TAUGHT, None),
        (ADDED, OTHER, TAUGHT, "modified"),
        (ADDED, STALE, LEARNED | 6, "added"),
        (ADDED, ELSEWHERE, TAUGHT, "added"),
    ],
)
def test_what_a_report_means_for_what_is_desired(event, flow, cookie, what):
    found = damage(update(event, flow, cookie), desired(OURS, TEACHER))
    assert (found and found.what) == what


def test_a_drift_tells_in_words_what_was_found_and_what_should_be():
    (found,) = (damage(update(ADDED, OTHER), desired(OURS)),)
    assert found.drift(healed=True) == Drift(
        "modified",
        "L2_LOOKUP",
        "L2_LOOKUP 100: eth_dst=00:00:00:00:00:01 -> output 9, "
        "instead of L2_LOOKUP 100: eth_dst=00:00:00:00:00:01 -> output 1",
        healed=True,
    )


def test_patience_ends_and_comes_back():
    patience = Patience()
    assert [patience.allows(b"here", now) for now in range(HEALS + 2)] == [True] * HEALS + [
        False,
        False,
    ]
    assert patience.allows(b"elsewhere", HEALS)
    assert patience.allows(b"here", SECONDS)


def test_that_a_place_is_left_alone_is_news_once_in_a_while():
    patience = Patience()
    assert [patience.leaves(b"here", now) for now in (0.0, 1.0, SECONDS, SECONDS + 1)] == [
        *(True, False),
        *(True, False),
    ]


def test_patience_forgets_what_is_long_ago():
    patience = Patience()
    for now in range(HEALS):
        patience.allows(b"here", now)
    patience.leaves(b"here", HEALS)
    patience.forget(HEALS)
    assert not patience.allows(b"here", HEALS)
    patience.forget(100 * SECONDS)
    assert patience.allows(b"here", HEALS)
    assert patience.leaves(b"here", HEALS)


def test_there_is_one_desired_flow_at_a_place():
    wanted = desired(OURS, STALE, OTHER)
    place = encode(OURS)[1]
    assert wanted.at(place) == OTHER
    assert set(wanted.flows.values()) == {OTHER, STALE}
    wanted.drop([encode(OTHER)[0], 12345])
    assert wanted.at(place) is None
    stale, at_stale, _ = encode(STALE)
    assert wanted.cookie_at(at_stale) == stale
    wanted.clear()
    assert not wanted.flows
    assert wanted.cookie_at(at_stale) is None


def test_what_was_learnt_is_known_as_long_as_some_flow_teaches_it():
    learnt = update(ADDED, STALE, TAUGHT).flow
    wanted, other = desired(TEACHER), Flow(Table.ARP, 2, (), TEACHER.actions)
    cookie, at, _ = encode(other)
    place = short(at)
    wanted.put(cookie, place, other)
    wanted.put(cookie, place, other)
    wanted.drop([encode(TEACHER)[0]])
    assert wanted.learning.taught(learnt)
    wanted.put(1, place, Flow(Table.ARP, 2, (), ()))
    assert not wanted.learning
    assert not wanted.learning.taught(learnt)


def test_slices_are_parts_of_all():
    wanted = desired(*(delivery(mac, 1) for mac in range(200)))
    slices = [wanted.slice(number, 8) for number in range(8)]
    assert sum(map(len, slices)) == 200
    assert {cookie for part in slices for cookie in part} == wanted.flows.keys()


def test_a_cookie_that_a_flow_at_another_place_has_collides():
    wanted = desired(OURS)
    cookie, place, _ = encode(OURS)
    assert wanted.collisions([cookie, 5, 6], [short(place), 1, 2]) == set()
    assert wanted.collisions([5, cookie], [1, 2]) == {1}
    assert wanted.collisions([5, 5, 5], [1, 2, 1]) == {1}
