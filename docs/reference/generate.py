"""Write the reference pages from the declarations, or check that they are as they should be.

python docs/reference/generate.py            writes the pages
python docs/reference/generate.py --check    exits with 1 if one is out of date
"""

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import configuration
import metrics
import rest
import vnctl

HERE = Path(__file__).parent


def pages() -> Iterator[tuple[Path, str]]:
    """Each page's file and text."""
    yield HERE / "configuration.md", "\n".join(configuration.page()) + "\n"
    yield HERE / "rest.md", "\n".join(rest.page()) + "\n"
    yield HERE / "metrics.md", "\n".join(metrics.page())
    yield HERE / "vnctl.md", "\n".join(vnctl.page()) + "\n"


def main() -> int:
    """Write or check; return the exit status."""
    stale = [file for file, text in pages() if not file.exists() or file.read_text() != text]
    if "--check" in sys.argv:
        for file in stale:
            print(f"{file.name} is out of date: run python docs/reference/generate.py")
        return 1 if stale else 0
    for file, text in pages():
        file.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
