"""Transports: a relay (`smtp`), a folder (`file`) or nothing at all (`null`) takes our messages.

The delivering loop declares what it needs (`newsletter.delivering.ports.Transport`); a class here fits it by shape:

- `lanes: int`: how many messages may be in flight.
- `async hand_over(message, on_wire) -> Receipt`: one message, one honest answer. `deferred` is for what has definitely
  not been sent; what nobody can tell is `in_doubt`. If nothing can be handed over at all, whoever the recipient, raise
  `TryLater` before a byte has left: the row stays untouched and the loop waits.
- `on_wire()` is called right before the act that may make the message the receiver's own, at most once and only if it
  comes to that. An error of `on_wire` goes through, and the message has not left.
- `async close()`: gives back what is held. Harmless when called again; a transport can be used after it.

Adding one: a module next to these with a function that opens it, and a line in `TRANSPORTS`. docs/adding.md has more.
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
"""What opens each transport, by its word in `[delivery] transport`. The contract test holds each to the port."""
