"""The password of a relay or a source: fetched when needed, and never stored."""

import os
import shlex
import stat
import subprocess
from pathlib import Path

from newsletter.config.keys import Relay, SourceSettings
from newsletter.errors import ConfigError

MOUNTED = Path("/run")
"""The folder where systemd and containers mount secrets, in memory and with modes of their own."""
PATIENCE = 30
"""Longest time of a password command, in seconds."""


def password(keys: Relay | SourceSettings, *, root: Path) -> str:
    """The password of a relay or a source: from the environment, else its file, else its command; empty if it has none.

    `root` is the project's folder. Raises ConfigError if the file or the command gives no password, or if other users
    have access to the file.
    """
    if given := keys.password.get_secret_value():
        return given
    if keys.password_file:
        return _from_file(root / Path(keys.password_file).expanduser())
    if keys.password_command:
        table = "relay" if isinstance(keys, Relay) else "source"
        return _from_command(keys.password_command, root, place=f"password_command of {table} {keys.name}")
    return ""


def _from_file(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as stream:
            mode, first = stat.S_IMODE(os.fstat(stream.fileno()).st_mode), stream.readline()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the password file cannot be read: {_reason(error)}", place=str(file),
            cure="Write the password on its first line, readable by the user who runs newsletter.",
        ) from error
    if mode & 0o077 and not file.resolve().is_relative_to(MOUNTED):
        raise ConfigError(f"other users have access to the password file (mode {mode:04o})", place=str(file),
                          cure=f"chmod 600 {shlex.quote(str(file))}")
    return _first_line(first, str(file))


def _from_command(command: str, root: Path, *, place: str) -> str:
    """`place` names the command without repeating it, since a secret may be among its words."""
    try:
        done = subprocess.run(  # noqa: S603 - the command is the configuration's own, and no shell reads it
            shlex.split(command), cwd=root, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        cure = "Run it in the project's folder: it must print the password, ask nothing and exit with code 0."
        raise ConfigError(f"the password command failed: {_reason(error)}", place=place, cure=cure) from None
    return _first_line(done.stdout.decode("utf-8", "replace"), place)


def _first_line(text: str, place: str) -> str:
    first = text.partition("\n")[0].rstrip("\r")
    if not first:
        cure = "Put the password there, and nothing else."
        raise ConfigError("there is no password on the first line", place=place, cure=cure)
    return first


def _reason(error: Exception) -> str:
    """The reason of a failure, without the output: a command may print its secret before it fails."""
    match error:
        case subprocess.CalledProcessError():
            return f"it exited with code {error.returncode}"
        case subprocess.TimeoutExpired():
            return f"it took more than {PATIENCE} seconds"
        case OSError():
            return error.strerror or "it cannot be started"
        case UnicodeDecodeError():
            return "it is not UTF-8"
        case _:
            return "it cannot be split into words"
