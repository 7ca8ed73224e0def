from io import StringIO

from rich.console import Console


def printed(renderable, width=80):
    """What a terminal of that width shows, without colours."""
    console = Console(file=StringIO(), width=width)
    console.print(renderable)
    return console.file.getvalue()
