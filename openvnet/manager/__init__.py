"""vnmgr: decides, owns the database, tells the agents."""
