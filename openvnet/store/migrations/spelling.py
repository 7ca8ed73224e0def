"""How each database is told to make a table, whatever the migration.

Text is compared byte by byte in all of them, as Python does: "a" is not "A", and "a " is not "a".

MariaDB and MySQL commit each statement that changes tables by itself. So a migration that was
interrupted is taken again, and leaves what it finds.
"""

from typing import Any

from alembic.ddl.base import AddColumn
from sqlalchemy import String, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex, CreateTable


@compiles(CreateTable, "mysql")
def _mysql_table(element: CreateTable, compiler: Any, **options: Any) -> str:
    element.if_not_exists = True
    collation = "utf8mb4_nopad_bin" if compiler.dialect.is_mariadb else "utf8mb4_0900_bin"
    made = compiler.visit_create_table(element, **options).rstrip()
    return f"{made} ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE {collation}"


@compiles(CreateIndex, "mysql")
def _mysql_index(element: CreateIndex, compiler: Any, **options: Any) -> str:
    made: str = compiler.visit_create_index(element, **options)
    return made.replace(" INDEX ", " INDEX IF NOT EXISTS ", 1) if _may_skip(compiler) else made


@compiles(AddColumn, "mysql")
def _mysql_column(element: AddColumn, compiler: Any, **_: Any) -> str:
    specification = compiler.get_column_specification(element.column)
    table = compiler.preparer.quote(element.table_name)
    unless = " IF NOT EXISTS" if _may_skip(compiler) else ""
    return f"ALTER TABLE {table} ADD COLUMN{unless} {specification}"


def _may_skip(compiler: Any) -> bool:
    return bool(compiler.dialect.is_mariadb)


@compiles(String, "postgresql")
def _postgresql_text(kind: String, compiler: Any, **options: Any) -> str:
    made: str = compiler.visit_string(kind, **options)
    # A column's type, and not that of a value in a statement.
    return f'{made} COLLATE "C"' if options.get("type_expression") is not None else made


@compiles(Text, "postgresql")
def _postgresql_long_text(_: Text, __: Any, **___: Any) -> str:
    return "TEXT"  # However long it may be, which MariaDB wants to know.
