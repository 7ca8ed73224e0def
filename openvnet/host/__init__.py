"""One host as a whole: starting all that OpenVNet needs on it, and saying how it fares."""
