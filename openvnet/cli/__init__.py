"""The commands vnctl and openvnet."""
