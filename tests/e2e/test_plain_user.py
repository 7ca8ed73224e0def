"""The lab without root. Where the machine denies plain users what it takes, it says so in words.

Root becomes a plain user for these tests, in a mount namespace of its own in which /dev/net/tun may
be opened by anybody, as on Debian, and in which no directory above this checkout and its Python is
closed to others.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOBODY = 64999
"""A uid that nobody has."""

OPENVNET = (sys.executable, "-u", "-m", "openvnet.cli.openvnet")
VNCTL = (sys.executable, "-c", "from openvnet.cli.vnctl import main; main()")
BUILT = "Ctrl-C ends it"

TUN = """
mount -t tmpfs none /mnt
mknod -m {mode} /mnt/tun c 10 200
mount --bind /mnt/tun /dev/net/tun
umount --lazy /mnt
"""

WITHOUT_NAMESPACES = """
echo 0 >/proc/sys/user/max_user_namespaces
exec setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all "$@"
"""
WITHOUT_TUN = 'mount -t tmpfs none /dev/net; exec "$@"'


def passages():
    """Lines of shell that open the ways to what is needed, where they are closed to others."""
    children = defaultdict(set)
    for path in (ROOT, Path(sys.prefix), Path(sys.base_prefix)):
        ways = zip(reversed(path.parents), [*reversed(path.parents), path][1:], strict=True)
        closed = next((way for way in ways if not way[0].stat().st_mode & 1), None)
        if closed:
            children[closed[0]].add(closed[1].name)
    for closed, names in children.items():
        yield f"exec 3<{closed}; mount -t tmpfs -o mode=755 none {closed}"
        for name in names:  # By a descriptor from before, since the tmpfs covers it now.
            yield f"mkdir {closed}/{name}; mount -c --bind /proc/self/fd/3/{name} {closed}/{name}"
        yield "exec 3<&-"


def becoming(home, mode=666):
    """What a command line begins with to be a plain user's: nothing, if that is who runs tests."""
    if os.geteuid() != 0:
        return ("env", f"XDG_RUNTIME_DIR={home}")
    user = (
        *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"),
        *("env", f"HOME={home}", f"XDG_RUNTIME_DIR={home}"),
    )
    script = (*passages(), TUN.format(mode=mode), f'exec {shlex.join(user)} "$@"')
    return ("unshare", "--mount", "bash", "-ec", "\n".join(script), "bash")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def home():
    with tempfile.TemporaryDirectory(prefix="openvnet-") as name:
        if os.geteuid() == 0:
            os.chown(name, NOBODY, NOBODY)
        yield Path(name)


@pytest.fixture(scope="module")
def user(home):
    """What the commands of a plain user begin with."""
    return becoming(home)


@pytest.fixture(scope="module")
def allowed(user):
    """Whether this machine allows plain users to make user namespaces."""
    return run(*user, "unshare", "--user", "--map-root-user", "true").returncode == 0


@pytest.fixture
def _user_namespaces(allowed):
    """For tests that cannot be made without."""
    if not allowed:
        pytest.skip("this machine allows plain users no user namespaces")


@contextmanager
def lab_up(user):
    with subprocess.Popen(
        (*user, *OPENVNET, "lab", "up"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as up:
        assert any(BUILT in line for line in up.stdout), up.stderr.read()
        yield up
        up.terminate()


def test_a_plain_user_sees_the_demo_or_is_told_what_forbids_it(user, allowed):
    demo = run(*user, *OPENVNET, "demo")

    if allowed:
        assert demo.returncode == 0, demo.stderr
        assert "Every cell is as it must be." in demo.stdout
    else:
        assert demo.returncode == 1
        assert "This machine allows no lab" in demo.stderr
        assert "`sudo make lab`" in demo.stderr


@pytest.mark.usefixtures("_user_namespaces")
def test_a_plain_user_has_a_lab_that_is_found_from_their_own_shell(user, home):
    before = set(home.iterdir())
    with lab_up(user) as up:
        networks = run(*user, *VNCTL, "networks", "show")
        assert "nw-vnet1" in networks.stdout, networks.stderr

        ping = run(*user, *OPENVNET, "lab", "exec", "vm1", "ping", "-c1", "10.102.0.11")
        assert "1 received" in ping.stdout, ping.stderr

        assert "ICMP echo request" in captured(user)

        assert run(*user, *OPENVNET, "lab", "down").returncode == 0
        assert up.wait() == 0
    assert set(home.iterdir()) == before


def captured(user):
    """What tcpdump shows of a ping."""
    with subprocess.Popen(
        (*user, *OPENVNET, "lab", "tcpdump", "vm3", "-c", "1", "icmp"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as tcpdump:
        assert any("listening on" in line for line in tcpdump.stderr)
        run(*user, *OPENVNET, "lab", "exec", "vm1", "ping", "-c1", "10.102.0.11")
        return tcpdump.communicate()[0]


@pytest.mark.usefixtures("_user_namespaces")
def test_without_user_namespaces_a_plain_user_is_told_the_setting_and_the_sudo_way():
    inside = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--keep-caps")
    demo = run(*inside, "sh", "-ec", WITHOUT_NAMESPACES, "sh", *OPENVNET, "demo")

    assert demo.returncode == 1
    assert "user.max_user_namespaces is 0" in demo.stderr
    assert "`sudo sysctl user.max_user_namespaces=10000`" in demo.stderr
    assert "`sudo make demo`" in demo.stderr
    assert "Traceback" not in demo.stderr


@pytest.mark.usefixtures("_user_namespaces")
def test_too_few_network_namespaces_are_named():
    few = 'echo 3 >/proc/sys/user/max_net_namespaces; exec "$@"'
    demo = run("unshare", "--user", "--map-root-user", "sh", "-ec", few, "sh", *OPENVNET, "demo")

    assert demo.returncode == 1
    assert "user.max_net_namespaces is 3" in demo.stderr
    assert "Traceback" not in demo.stderr


@pytest.mark.usefixtures("_user_namespaces")
def test_a_machine_without_the_tun_device_is_told_how_to_get_it():
    inside = ("unshare", "--user", "--map-root-user", "--mount")
    demo = run(*inside, "sh", "-ec", WITHOUT_TUN, "sh", *OPENVNET, "demo")

    assert demo.returncode == 1
    assert "/dev/net/tun" in demo.stderr
    assert "`sudo modprobe tun`" in demo.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can close it")
def test_a_tun_device_that_is_closed_to_plain_users_is_named_with_both_ways(home):
    demo = run(*becoming(home, mode=600), *OPENVNET, "demo")

    assert demo.returncode == 1
    assert "`sudo chmod 0666 /dev/net/tun`" in demo.stderr
    assert "`sudo make demo`" in demo.stderr
