"""The cache: what an agent knew, after any history and a kill at any byte."""

import stat
from zlib import crc32

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openvnet.agent.cache import Cache, Record
from openvnet.wire.messages import Revision
from tests.worlds import histories, seed_world

PATIENT = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def reopened(path):
    cache = Cache.open(path)
    cache.close()
    return cache


@PATIENT
@given(histories)
def test_what_was_appended_is_there_again(tmp_path_factory, history):
    path = tmp_path_factory.mktemp("cache") / "vna.cache"
    cache, rows = Cache.open(path), {}
    for number, changes in enumerate(history):
        cache.append(changes, Revision("epoch", number))
        rows.update(changes)
    cache.close()
    again = reopened(path)
    assert again.rows == {key: row for key, row in rows.items() if row is not None}
    assert again.revision == Revision("epoch", len(history) - 1)


@PATIENT
@given(histories, st.data())
def test_a_kill_at_any_byte_leaves_the_batches_before_it(tmp_path_factory, history, data):
    path = tmp_path_factory.mktemp("cache") / "vna.cache"
    cache, states, ends = Cache.open(path), [{}], [0]
    ends[0] = path.stat().st_size
    for number, changes in enumerate(history):
        cache.append(changes, Revision("epoch", number))
        after = {**states[-1], **changes}
        states.append({key: row for key, row in after.items() if row is not None})
        ends.append(path.stat().st_size)
    cache.close()
    cut = data.draw(st.integers(ends[0], ends[-1]))
    with path.open("r+b") as file:
        file.truncate(cut)
    whole = sum(end <= cut for end in ends) - 1
    assert reopened(path).rows == states[whole]


@PATIENT
@given(st.binary(max_size=200))
def test_a_file_of_anything_is_read_without_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("cache") / "vna.cache"
    path.write_bytes(content)
    reopened(path)


def test_opening_rewrites_it_as_one_record(tmp_path):
    path = tmp_path / "vna.cache"
    cache, world = Cache.open(path), seed_world()
    for _ in range(10):
        cache.append(world, None)
        cache.append(dict.fromkeys(world), None)
    cache.append(world, None)
    cache.close()
    before = path.stat().st_size
    assert reopened(path).rows == world
    assert path.stat().st_size < before / 10


def test_only_its_owner_reads_it(tmp_path):
    reopened(tmp_path / "vna.cache")
    assert stat.S_IMODE((tmp_path / "vna.cache").stat().st_mode) == 0o600


def test_a_full_disk_is_said_and_leaves_what_was_there(tmp_path):
    world = seed_world()
    cache = Cache.open(tmp_path / "vna.cache")
    cache.append(world, Revision("epoch", 1))
    limit = (tmp_path / "vna.cache").stat().st_size + 20
    with limited_file_size(limit), pytest.raises(OSError):
        cache.append(dict.fromkeys(world), Revision("epoch", 2))
    cache.close()
    assert reopened(tmp_path / "vna.cache").rows == world


def test_a_disk_that_is_full_again_and_again_tears_nothing_that_is_written_later(tmp_path):
    path, world = tmp_path / "vna.cache", seed_world()
    cache = Cache.open(path)
    for room in (40, 20, 30):
        with limited_file_size(path.stat().st_size + room), pytest.raises(OSError):
            cache.append(world, Revision("epoch", 1))
    cache.append(world, Revision("epoch", 2))
    cache.close()
    again = reopened(path)
    assert (again.rows, again.revision) == (world, Revision("epoch", 2))


def test_a_record_of_another_version_ends_what_is_read(tmp_path):
    path, world = tmp_path / "vna.cache", seed_world()
    cache = Cache.open(path)
    cache.append(world, Revision("epoch", 1))
    cache.close()
    removal = Record(Revision("epoch", 2), remove=(("a kind of theirs", "x-1"),))
    for foreign in (packed(removal), packed({"put": [["x-1", {"kind": "of theirs"}]]})):
        path.write_bytes(path.read_bytes() + foreign)
        again = reopened(path)
        assert (again.rows, again.revision) == (world, Revision("epoch", 1))


def packed(record):
    body = msgspec.msgpack.encode(record)
    return len(body).to_bytes(4, "big") + crc32(body).to_bytes(4, "big") + body


def test_it_is_written_anew_when_most_of_it_is_of_the_past(tmp_path):
    path, world = tmp_path / "vna.cache", seed_world()
    cache = Cache.open(path)
    sizes = set()
    for number in range(500):
        cache.append(world, Revision("epoch", number))
        cache.tidy(Revision("epoch", number), world.items(), spare=10_000)
        sizes.add(path.stat().st_size)
    assert max(sizes) < 20_000
    cache.append(dict.fromkeys(world), Revision("epoch", 500))
    cache.append(world, Revision("epoch", 501))
    cache.close()
    again = reopened(path)
    assert (again.rows, again.revision) == (world, Revision("epoch", 501))


class limited_file_size:  # noqa: N801
    """Let no file of this process grow past a size, as a full disk would."""

    def __init__(self, octets):
        self.octets = octets

    def __enter__(self):
        import resource
        import signal

        self.handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        self.limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.octets, self.limits[1]))

    def __exit__(self, *_):
        import resource
        import signal

        resource.setrlimit(resource.RLIMIT_FSIZE, self.limits)
        signal.signal(signal.SIGXFSZ, self.handler)
