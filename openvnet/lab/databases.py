"""MariaDB and Redis as processes of the lab, on the machine of vnmgr: its rows, and its registry.

Their programs are those of Debian's mariadb-server-core and redis-tools, which bring no service.
Data lie in the lab's directory and go with it. vnmgr reaches MariaDB over a unix socket, as root of
the lab, and Redis on the loopback.
"""

import shutil
from pathlib import Path

from openvnet.lab import machine
from openvnet.lab.errors import LabError
from openvnet.lab.lab import Lab
from openvnet.lab.processes import MARIADB

_TABLES = ("mysql_system_tables", "mysql_performance_tables", "mysql_system_tables_data")
_PACKAGES = {"mariadbd": "mariadb-server-core", "redis-check-rdb": "redis-tools"}
_SCRIPTS = Path("/usr/share/mysql")
_FIRST = """
CREATE DATABASE mysql;
USE mysql;
SET @auth_root_socket=NULL;
SET @skip_auth_anonymous=1;
"""
"""As in mariadb-install-db: root needs no password, and there is no user without a name."""


def check(database: str) -> None:
    """Return if the programs of this database are there; LabError says what to install."""
    needed = _PACKAGES if database == "mariadb" else {}
    for program, package in needed.items():
        if not shutil.which(program, path=machine.PATH):
            raise LabError(
                f"the program {program} is missing: `apt-get install --no-install-recommends "
                f"{package}` brings it, and no service"
            )


def start(lab: Lab) -> None:
    """Make the data of the lab's database, start the servers, and tell vnmgr where they are."""
    if lab.environment.database == "sqlite":
        return
    home = lab.directory / "mariadb"
    home.mkdir()
    scripts = (_SCRIPTS.joinpath(f"{name}.sql").read_text() for name in _TABLES)
    bootstrap = (*MARIADB, f"--datadir={home}", "--bootstrap")
    lab.run(lab.environment.manager, *bootstrap, given="\n".join((_FIRST, *scripts)))
    said = f'db {{ adapter "mariadb" socket "{home}/socket" user "root" database "openvnet" }}\n'
    (lab.directory / "common.conf").write_text(said + 'registry { host "127.0.0.1" }\n')
    (lab.directory / "redis").mkdir()
    lab.start("mariadb", "redis")
