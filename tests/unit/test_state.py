"""State and View: what is there, and which cells a change touches."""

import pytest
from hypothesis import given

from openvnet.model import InterfacePort, Network
from openvnet.state import State, View
from tests.worlds import histories

PORTS = [
    InterfacePort(uuid=f"ifp-{number}", interface_uuid=f"if-{number % 2}", port_name="vm")
    for number in range(4)
]


def filled():
    state = State()
    for port in PORTS:
        state.put(InterfacePort, port.uuid, port)
    return state


def test_rows_are_found_by_id_and_by_index_in_the_order_of_their_ids():
    view = View(filled())
    assert view.get(InterfacePort, "ifp-1") is PORTS[1]
    assert view.get(InterfacePort, "ifp-9") is None
    assert view.get(Network, "nw-1") is None
    assert view.where(InterfacePort, interface_uuid="if-1") == [PORTS[1], PORTS[3]]
    assert view.ids(InterfacePort, interface_uuid="if-0") == ["ifp-0", "ifp-2"]
    assert view.count(InterfacePort, port_name="vm") == 4
    assert view.any(InterfacePort, port_name="vm")
    assert not view.any(InterfacePort, port_name="other")


def test_a_view_remembers_each_cell_that_was_looked_at():
    view = View(filled())
    view.get(InterfacePort, "ifp-1")
    view.count(InterfacePort, port_name="vm")
    assert view.reads == {
        (InterfacePort, "ifp-1"),
        (("count", InterfacePort, "port_name"), "vm"),
    }


def asked():
    """A state of which everything has been asked."""
    state = filled()
    view = View(state)
    for question in (view.where, view.ids, view.count, view.any):
        question(InterfacePort, port_name="vm")
    return state


def of_port_name(cells):
    asked = [question for question, _ in cells if isinstance(question, tuple)]
    return {word for word, *of in asked if of == [InterfacePort, "port_name"]}


def test_a_row_that_changes_in_place_touches_itself_and_where_it_is():
    changed = InterfacePort(uuid="ifp-0", interface_uuid="if-5", port_name="vm")
    cells = asked().put(InterfacePort, "ifp-0", changed)
    assert (InterfacePort, "ifp-0") in cells
    assert of_port_name(cells) == {"where"}


def test_a_row_that_joins_others_does_not_touch_whether_any_are_there():
    cells = asked().put(
        InterfacePort, "ifp-7", InterfacePort(uuid="ifp-7", interface_uuid="if-1", port_name="vm")
    )
    assert of_port_name(cells) == {"where", "ids", "count"}


def test_the_last_row_that_goes_touches_whether_any_are_there():
    state = asked()
    for port in PORTS[1:]:
        state.put(InterfacePort, port.uuid, None)
    assert of_port_name(state.put(InterfacePort, "ifp-0", None)) == {"where", "ids", "count", "any"}


def test_a_row_put_again_touches_nothing():
    state = asked()
    assert state.put(InterfacePort, "ifp-0", PORTS[0]) == []
    assert state.put(InterfacePort, "ifp-9", None) == []


def test_an_index_that_is_not_declared_is_refused():
    with pytest.raises(ValueError, match="InterfacePort declares no index of singular"):
        View(filled()).any(InterfacePort, singular=True)


@given(histories)
def test_an_index_made_late_is_the_one_made_early(history):
    early, late = State(), State()
    names = ["vm1", "vm2", "vm3", "vm4"]
    for name in names:
        View(early).ids(InterfacePort, port_name=name)
    for changes in history:
        for (kind, id), row in changes.items():
            early.put(kind, id, row)
            late.put(kind, id, row)
    for name in names:
        found = View(early).ids(InterfacePort, port_name=name)
        assert View(late).ids(InterfacePort, port_name=name) == found
