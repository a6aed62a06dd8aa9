"""Transports: they hand messages to a relay (`smtp`), write them to a folder (`file`), or discard them (`null`).

Delivering declares the port (`newsletter.delivering.ports.Transport`); a class here matches it by shape:

- `lanes: int`: how many messages may be in flight at once.
- `async hand_over(message, on_wire) -> Receipt`: hands over one message and reports the outcome. `deferred` means that
  the message was definitely not sent, `in_doubt` that nobody can know. If no message can be handed over at all,
  whoever the recipient is, it raises `TryLater` before a byte has left: the row stays untouched and the lanes pause.
- It calls `on_wire()` at most once, right before the act that may make the receiver accept the message. If `on_wire`
  raises, the message does not leave and the error is passed on.
- `async close()`: closes connections. It may be called again, and the transport can be used afterwards.

To add one, write a module next to these with a function that opens it, and add a line to `TRANSPORTS`; see
docs/adding.md.
"""

from collections.abc import Callable
from typing import Any

from newsletter.transports import file, null, smtp
from newsletter.transports.settings import TransportSettings

TRANSPORTS: dict[str, Callable[[TransportSettings], Any]] = {
    "file": file.opened,
    "smtp": smtp.opened,
    "null": null.opened,
}
"""The function that opens each transport, by the name in `[delivery] transport`. A contract test checks each of them.
"""
