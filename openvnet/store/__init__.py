"""The database: rows, transactions, the revision log."""
