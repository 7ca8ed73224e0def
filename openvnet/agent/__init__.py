"""vna: the controller of one host's bridge."""
