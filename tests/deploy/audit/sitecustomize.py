"""Say on standard error what a Python program writes to files: put this folder on its PYTHONPATH."""

import os
import sys
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND
CHANGING = {"os.mkdir", "os.rename", "os.link", "os.symlink", "os.truncate"}


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    """https://docs.python.org/3/library/audit_events.html"""
    opened = event == "open" and isinstance(arguments[0], str) and (arguments[2] or 0) & WRITING
    if opened or event in CHANGING:
        os.write(2, f"writes: {event} {arguments[0]}\n".encode())


sys.addaudithook(_hear)
