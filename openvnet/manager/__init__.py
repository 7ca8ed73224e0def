"""vnmgr: validates, decides, commits, and tells the agents."""
