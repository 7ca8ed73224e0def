import pytest

from openvnet.lab.drill import one_or_two
from openvnet.lab.lab import Lab
from openvnet.lab.many import many_hosts


@pytest.mark.parametrize(("database", "faults", "pairs"), [("sqlite", 5, 8), ("mariadb", 9, 32)])
def test_a_drill_is_of_each_fault_and_of_each_two_of_different_parts(database, faults, pairs):
    lab = Lab("/lab", 1, 2, {}, many_hosts(3, database=database))
    names = [" and ".join(map(str, each)) for each in one_or_two(lab)]
    assert len(names) == len(set(names)) == faults + pairs
    assert {"vnmgr killed", "vnmgr frozen and host3 cut"} <= set(names)
    assert "vnmgr killed and vnmgr frozen" not in names
