"""Delivering: deliveries are claimed, composed, handed over to a transport, and settled.

    outbox ──take──▶ compose ──Message──▶ transport ──Receipt──▶ outbox

- `slice`: the data of one run, and its pace.
- `ports`: the interfaces that a run needs, such as the outbox and the transport.
- `claimer`: one sender's claims, its lease and its journal.
- `lanes`: the way of one delivery over one transport.
- `loop`: `send_slice`, which runs all of these.
"""

from newsletter.delivering.lanes import Stopped
from newsletter.delivering.loop import send_slice
from newsletter.delivering.slice import Pace, Slice

__all__ = ["Pace", "Slice", "Stopped", "send_slice"]
