"""Packets: bytes to frozen values and back. Pure."""
