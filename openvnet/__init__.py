"""OpenVNet, a network hypervisor: draw any network, and every packet behaves as drawn."""

__version__ = "1.0.0.dev0"
