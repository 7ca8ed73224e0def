"""MariaDB as a process of the lab, on the machine of vnmgr, for vnmgr to keep its rows in.

Its programs are those of Debian's mariadb-server-core, which brings no service. Its data lies in
the lab's directory and goes with it. vnmgr reaches it over a unix socket, as root of the lab.
"""

import shutil
from pathlib import Path

from openvnet.lab import machine
from openvnet.lab.errors import LabError
from openvnet.lab.lab import Lab
from openvnet.lab.processes import MARIADB

_TABLES = ("mysql_system_tables", "mysql_performance_tables", "mysql_system_tables_data")
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
    if database == "mariadb" and not shutil.which("mariadbd", path=machine.PATH):
        raise LabError(
            "the program mariadbd is missing: `apt-get install --no-install-recommends "
            "mariadb-server-core` brings it, and no service"
        )


def start(lab: Lab) -> None:
    """Make the data of the lab's database, start its server, and tell vnmgr where it is."""
    if lab.environment.database == "sqlite":
        return
    home = lab.directory / "mariadb"
    home.mkdir()
    scripts = (_SCRIPTS.joinpath(f"{name}.sql").read_text() for name in _TABLES)
    bootstrap = (*MARIADB, f"--datadir={home}", "--bootstrap")
    lab.run(lab.environment.manager, *bootstrap, given="\n".join((_FIRST, *scripts)))
    said = f'db {{ adapter "mariadb" socket "{home}/socket" user "root" database "openvnet" }}\n'
    (lab.directory / "common.conf").write_text(said)
    lab.start("mariadb")
