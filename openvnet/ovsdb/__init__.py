"""OVSDB, spoken to the database of one Open vSwitch."""
