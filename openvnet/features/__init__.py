"""What the network does: pure generators of flows, one module each."""
