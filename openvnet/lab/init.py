"""Process 1 of a lab: waits for the end of its standard input, then ends the lab.

Run as a program, with the lab's directory as its only argument. See `openvnet.lab.namespaces`.
"""

import os
import shutil
import signal
import sys


def main(directory: str) -> None:
    """Say "ready"; when nobody can write to stdin any more, kill all others and clean up."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # The kernel buries the lab's orphans.
    print("ready", flush=True)
    os.read(0, 1)
    os.kill(-1, signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
