"""The database: schema, transactions, revision log, migrations."""
