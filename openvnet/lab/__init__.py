"""Hosts and guests out of network namespaces, with real Open vSwitch."""
