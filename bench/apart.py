"""Calls of a function in a new process, in which nothing is imported, cached or allocated yet."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_CALL = """
import json, sys
from importlib import import_module
module, name, *arguments = sys.argv[1:]
print(json.dumps(getattr(import_module(module), name)(*arguments)))
"""


def call(module: str, function: str, *arguments: str) -> Any:
    """The function's result for these arguments, passed through JSON. Raises CalledProcessError if it fails."""
    command = [sys.executable, "-c", _CALL, module, function, *arguments]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=root)  # noqa: S603  # our own function
    return json.loads(done.stdout)
