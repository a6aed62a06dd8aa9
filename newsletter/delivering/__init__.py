"""Delivering, the second loop, at any time: deliveries are claimed, composed, handed over, and settled.

    outbox ──take──▶ compose ──Message──▶ transport ──Receipt──▶ outbox

- `slice`: the data of one run, and its pace.
- `ports`: what a run needs of the world.
- `claimer`: one sender's claims, its lease and its journal.
- `lanes`: what becomes of one delivery on its way over one transport.
- `loop`: `send_slice`, which sets these to work.
"""

from newsletter.delivering.lanes import Stopped
from newsletter.delivering.loop import send_slice
from newsletter.delivering.slice import Pace, Slice

__all__ = ["Pace", "Slice", "Stopped", "send_slice"]
