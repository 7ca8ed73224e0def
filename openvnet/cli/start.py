"""Where the command vnctl begins: what comes first is ready for Ctrl-C, and imports nothing.

All else of vnctl takes a twentieth of a second to import, in which a user may have thought better.
"""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def vnctl() -> int:
    """Run vnctl; return its exit status."""
    try:
        from openvnet.cli.vnctl import main

        main()
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0
