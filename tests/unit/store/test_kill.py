"""A commit that was acknowledged survives the sudden death of its process, whole."""

import subprocess
import sys
from itertools import islice
from pathlib import Path

from openvnet.model import Interface, MacLease, Project
from openvnet.store.database import opened
from openvnet.store.log import entries

WRITER = """
import sys
from itertools import count
from openvnet.model import Interface, MacLease
from openvnet.store.database import Write, opened

def write(number):
    def work(transaction):
        transaction.put(Interface(uuid=f"if-{number}", mode="vif"))
        transaction.put(MacLease(uuid=f"ml-{number}", interface_uuid=f"if-{number}",
                                 mac_address=number))
        return number
    return Write(work)

store = opened(sys.argv[1])
numbers = count(store.number + 1)
while True:
    for outcome in store.commit([write(next(numbers)) for _ in range(3)]):
        print(outcome.number, flush=True)
"""


def test_what_was_acknowledged_is_there_after_kill_and_nothing_is_half_done(tmp_path):
    url = f"sqlite:///{tmp_path}/vnet.sqlite"
    acknowledged = 0
    for lines in (1, 7, 50, 200):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, url],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        for line in islice(writer.stdout, lines):
            acknowledged = int(line)
        writer.kill()
        for line in writer.stdout:
            acknowledged = int(line) if line.endswith("\n") else acknowledged
        writer.stdout.close()
        writer.wait()
        check(url, acknowledged)


def check(url, acknowledged):
    store = opened(url)
    try:
        rows = [row for row, _ in store.rows() if not isinstance(row, Project)]
        uuids = {(type(row), row.uuid) for row in rows}
        with store.connection.begin():
            revisions = [(entry.number, entry.change.uuid) for entry in entries(store.connection)]
    finally:
        store.close()
    assert store.number >= acknowledged
    assert uuids == {
        (kind, f"{prefix}-{number}")
        for number in range(1, store.number + 1)
        for kind, prefix in ((Interface, "if"), (MacLease, "ml"))
    }
    assert revisions == [
        (number, f"{prefix}-{number}")
        for number in range(1, store.number + 1)
        for prefix in ("if", "ml")
    ]
