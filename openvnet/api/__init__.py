"""webapi: the REST front of vnmgr."""
