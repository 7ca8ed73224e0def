"""vnmgr, webapi and vna as their files tell them, and what they say when they cannot be so."""

import asyncio
import os
import socket
import subprocess
from contextlib import contextmanager

import pytest

from openvnet.client import Client
from openvnet.wire.keys import client_keys, server_keys
from openvnet.wire.rpc import Rpc
from tests.api.processes import ENVIRONMENT, Process, command, webapi
from tests.api.processes import vnmgr as manager_of
from tests.ports import free_port
from tests.system import process_of

MODULES = {
    "vnmgr": "openvnet.manager.main",
    "webapi": "openvnet.api.main",
    "vna": "openvnet.agent.main",
}
ADDRESS = 'node {{ id "vnmgr" addr {{ protocol "tcp" host "{}" public "" port {} }} }}'


def written(directory, **files):
    """A directory with these .conf files."""
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / f"{name}.conf").write_text(text)
    return directory


@contextmanager
def vnmgr(directory, *more):
    """One that is told by the files in a directory, which CONFIG_PATH names."""
    places = (f"--state={directory}/state", f"--run={directory}/run")
    running = Process(MODULES["vnmgr"], *places, *more, CONFIG_PATH=str(directory))
    with process_of(running):
        running.says("serves")
        yield running


@contextmanager
def vna(directory, *more):
    """One that serves no switch, and finds vnmgr by its file."""
    words = (f"--state={directory}/state", "--listen=127.0.0.1:0", "--ovsdb=", *more)
    running = Process(MODULES["vna"], *words, CONFIG_PATH=str(directory))
    with process_of(running):
        yield running


def refused(program, directory, *more, **environment):
    """The last line of what a program says that must end by itself, in words."""
    words = (f"--state={directory}/state", f"--run={directory}/run", *more)
    done = subprocess.run(
        [*command(MODULES[program]), *words],
        env={**ENVIRONMENT, "CONFIG_PATH": str(directory), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1].replace(f"{directory}/", "")


def nodes(endpoint, keys):
    """The agents that vnmgr knows, once it knows one."""

    async def within():
        rpc = Rpc(endpoint, keys)
        try:
            while not (known := (await rpc.call(verb="nodes", timeout=3)).result):
                await asyncio.sleep(0.01)
            return set(known)
        finally:
            rpc.close()

    return asyncio.run(within())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "0.0.0.0"])
def test_vna_finds_vnmgr_by_its_file_and_is_who_its_own_says(tmp_path, host):
    port = free_port(host)
    here = written(
        tmp_path,
        common='db { adapter "sqlite" database "vnet" }',
        vnmgr=ADDRESS.format(host, port),
        vna='node { id "host-7" addr { protocol "tcp" host "192.0.2.1" port 9103 } }',
    )
    with vnmgr(here), vna(here):
        called = {"::1": "[::1]", "0.0.0.0": "127.0.0.1"}.get(host, host)
        endpoint = f"tcp://{called}:{port}"
        assert nodes(endpoint, client_keys(here / "state")) == {"host-7"}
        assert nodes(f"ipc://{here}/run/rpc.sock", None) == {"host-7"}
    assert (here / "state" / "vnet").is_file()


def test_a_vna_without_the_keys_says_so_and_takes_up_the_right_ones_by_itself(tmp_path):
    here = written(tmp_path, vnmgr=ADDRESS.format("127.0.0.1", free_port()))
    with vnmgr(here) as manager:
        stranger = client_keys(here / "other").directory
        (stranger / "vnmgr.public").write_bytes((here / "state/keys/vnmgr.public").read_bytes())
        with vna(here, f"--state={here}/other") as agent:
            assert f"does not know the key in {stranger}" in agent.says("refuses this program")
            manager.says("A program at 127.0.0.1 was refused")
            right = (here / "state/keys/machine.secret").read_bytes()
            (stranger / "machine.secret").write_bytes(right)
            agent.says("hello to vnmgr")


def test_the_command_line_beats_the_files_and_they_the_defaults(tmp_path):
    here = written(tmp_path, vna='node { id "from-file" }')
    with vna(here) as agent:
        agent.says("vna from-file listens")
    with vna(here, "--node-id", "from-command") as agent:
        agent.says("vna from-command listens")
    with vna(here, f"--config={written(tmp_path / 'empty')}") as agent:
        agent.says("vna vna listens")
    with vnmgr(written(here, common='db { adapter "mysql2" }'), f"--database=sqlite:///{here}/d"):
        assert (here / "d").is_file()


def test_vnmgr_is_called_at_its_socket_where_that_is_said_on_the_command_line(tmp_path):
    here = written(tmp_path, vnmgr=ADDRESS.format("192.0.2.1", 9102))
    with vna(here, f"--run={here}/run") as agent, vnmgr(here, f"--config={here / 'state'}"):
        agent.says("hello to vnmgr")


def test_a_list_is_as_long_as_the_file_of_webapi_says(tmp_path):
    run = written(tmp_path / "run", webapi="pagination_limit 2")
    with manager_of(run), webapi(run), Client(f"unix:{run}/webapi.sock") as client:
        assert client.get("/networks").body["limit"] == 2
        assert client.get("/networks", limit=7).body["limit"] == 7


def test_keys_that_mean_nothing_here_are_named_once(tmp_path):
    here = written(tmp_path, common="watchdog_interval 10", vna='trema_home "/opt"\nuplink eth0')
    with vna(here) as agent:
        agent.says("listens")
    (warning,) = (line for line in agent.log if "WARNING" in line)
    assert "watchdog_interval" in warning
    assert f"trema_home ({here}/vna.conf, line 1, column 1)" in warning
    assert "uplink" not in warning


@pytest.mark.parametrize("adapter", ["mysql2", "postgresql"])
def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path, adapter):
    port = free_port()
    where = f'host "127.0.0.1" port {port} user "me" password "secret"'
    said = refused("vnmgr", written(tmp_path, common=f'db {{ adapter "{adapter}" {where} }}'))
    assert said.startswith(f"vnmgr: The database vnet at 127.0.0.1:{port} cannot be used: ")
    assert "refused" in said
    assert "secret" not in said


def test_passwords_on_the_command_line_are_refused(tmp_path):
    said = refused("vnmgr", written(tmp_path), "--database=mysql2://me:secret@127.0.0.1/vnet")
    assert said.startswith("vnmgr: --database has a password")
    assert "secret" not in said


def test_an_address_that_vnmgr_cannot_have_is_refused_with_its_place(tmp_path):
    here = written(tmp_path, vnmgr=ADDRESS.format("192.0.2.1", 9102))
    assert refused("vnmgr", here) == (
        "vnmgr: vnmgr.conf, line 1, column 41: node.addr.host 192.0.2.1 "
        "is no address of this machine."
    )
    here = written(tmp_path, vnmgr=ADDRESS.format("no.such.name.invalid", 9102))
    assert "node.addr.host no.such.name.invalid is no address or known name." in refused(
        "vnmgr", here
    )
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        here = written(tmp_path, vnmgr=ADDRESS.format("127.0.0.1", port))
        assert f"node.addr.port {port} is taken: another program listens at" in refused(
            "vnmgr", here
        )


@pytest.mark.parametrize("program", MODULES)
def test_a_file_that_is_wrong_is_refused_by_all_who_read_it(tmp_path, program):
    assert refused(program, written(tmp_path, common="db {\n  adaptor 1\n}")) == (
        "Error: common.conf, line 2, column 3: there is no key db.adaptor; did you mean db.adapter?"
    )
    (tmp_path / "common.conf").unlink()
    (tmp_path / f"{program}.conf").mkdir()
    assert refused(program, tmp_path) == f"Error: {program}.conf cannot be read: Is a directory."
    assert "CONFIG_PATH /no/where is no directory" in refused(
        program, tmp_path, CONFIG_PATH="/no/where"
    )
    assert "'/no/where' does not exist" in refused(program, tmp_path, "--config=/no/where")


@pytest.mark.parametrize("program", ["webapi", "vna"])
def test_the_file_of_vnmgr_is_read_by_those_who_look_for_it(tmp_path, program):
    here = written(tmp_path, vnmgr="node { addr { port none } }")
    words = {"webapi": ("--port=0",), "vna": ("--listen=127.0.0.1:0", "--ovsdb=")}[program]
    done = subprocess.run(
        [*command(MODULES[program]), f"--state={here}/state", *words],
        env={**ENVIRONMENT, "CONFIG_PATH": str(here)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "vnmgr.conf, line 1, column 20: node.addr.port 'none' must be a number" in done.stderr


def test_keys_that_cannot_be_had_are_refused_with_their_place(tmp_path):
    here = written(tmp_path, vnmgr=ADDRESS.format("127.0.0.1", free_port()))
    server_keys(here / "state")
    os.truncate(here / "state" / "keys" / "vnmgr.secret", 0)
    assert refused("vnmgr", here).startswith("vnmgr: state/keys/vnmgr.secret is no key.")


def test_an_ovsdb_that_is_none_is_refused_where_it_was_said(tmp_path):
    here = written(tmp_path, vna='ovsdb "here"')
    assert refused("vna", here, "--listen=127.0.0.1:0").startswith(
        "Error: Invalid value for vna.conf, line 1, column 1: ovsdb: OVSDB address 'here'"
    )
