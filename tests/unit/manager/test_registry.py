"""A Redis that asks who comes, with and without TLS; and what is said when it lets nobody in."""

import asyncio
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from openvnet.configuration.files import configuration
from openvnet.configuration.keys import Vnmgr
from openvnet.configuration.syntax import ConfigurationError
from openvnet.manager.registry import told_registry
from tests.api.processes import process
from tests.certificates import self_signed
from tests.databases import server
from tests.ports import free_port

RIGHTS = ("~openvnet:*", "&openvnet:*", "+@all")


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A Redis with passwords and a port of TLS; as (itself, that port, the certificate)."""
    certificate, key = self_signed(tmp_path_factory.mktemp("tls"))
    with server("redis") as made, Redis(port=made.port) as admin:
        port = free_port()
        admin.config_set("tls-cert-file", str(certificate), "tls-key-file", str(key))
        admin.config_set("tls-auth-clients", "no", "tls-port", str(port))
        admin.acl_setuser("vnmgr", enabled=True, passwords=["+right"], keys=[], reset=True)
        admin.execute_command("ACL", "SETUSER", "vnmgr", *RIGHTS)
        admin.execute_command("ACL", "SETUSER", "reader", "on", ">right", "~other:*", "+get")
        admin.config_set("requirepass", "default's")
        yield made, port, certificate


def told(directory: Path, said: str):
    (directory / "common.conf").write_text(f"registry {{ {said} }}\n")
    return told_registry(configuration("vnmgr", Vnmgr, (directory,)))


def trouble(registry) -> str:
    """Why Redis does not do what is asked; nothing if it does."""

    async def within():
        client = registry.client()
        try:
            await client.set("openvnet:test", "1", ex=5)
        except (RedisError, OSError) as error:
            return registry.refusal(error) or f"away: {error}"
        finally:
            await client.aclose()
        return ""

    return asyncio.run(within())


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('user "vnmgr" password "right"', ""),
        ('password "default\'s"', ""),
        ("", "line 1, column 1: registry.password is not set"),
        (
            'password "wrong"',
            "common.conf, line 1, column 23: registry.password is not what Redis knows",
        ),
        (
            'user "vnmgr" password "wrong"',
            "column 23: registry.user vnmgr or its registry.password",
        ),
        ('user "reader" password "right"', "registry.user may not do what vnmgr does there"),
    ],
)
def test_who_comes_with_what_the_file_says_is_let_in_or_told_which_key_is_wrong(
    strict, tmp_path, said, why
):
    found = trouble(told(tmp_path, f"port {strict[0].port} {said}"))
    assert why in found
    assert bool(found) == bool(why)
    assert "wrong" not in found.replace("WRONGPASS", "")


def test_tls_is_spoken_and_only_with_who_has_the_certificate(strict, tmp_path):
    _, port, certificate = strict
    user = 'user "vnmgr" password "right" tls true'
    assert trouble(told(tmp_path, f'port {port} {user} ca "{certificate}"')) == ""
    assert "registry.tls: " in trouble(told(tmp_path, f"port {port} {user}"))
    another = f'host "localhost" port {port} {user} ca "{certificate}"'
    assert "registry.tls: " in trouble(told(tmp_path, another))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('user "vnmgr"', "registry.user vnmgr needs a registry.password"),
        ('ca "/nowhere.pem"', "registry.ca is of no use without `tls true`"),
        ('tls true ca "/nowhere.pem"', "registry.ca /nowhere.pem: No such file"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(tmp_path, said, why):
    with pytest.raises(ConfigurationError, match=rf"common.conf, line 1, column \d+: {why}"):
        told(tmp_path, said)


def test_vnmgr_says_which_key_is_wrong_without_the_password_and_is_let_in_once_it_is_right(
    strict, tmp_path, mariadb
):
    registry = f'registry {{ port {strict[0].port} user "vnmgr" password "guessed-wrong" }}\n'
    (tmp_path / "common.conf").write_text(registry)
    places = (f"--{name}={tmp_path}" for name in ("run", "state", "config"))
    words = (*places, "--database", mariadb.database())
    with process("openvnet.manager.main", *words, says="serves") as running:
        said = running.says("does not let vnmgr in")
        assert f"{tmp_path}/common.conf, line 1, column 23: registry.user vnmgr or its" in said
        with Redis(port=strict[0].port, password="default's") as admin:
            admin.execute_command("ACL", "SETUSER", "vnmgr", ">guessed-wrong")
        running.says("Redis is reached")
    assert "guessed-wrong" not in "".join(running.log)
