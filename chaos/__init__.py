"""Fault injection that checks whether a mail is lost or sent twice. Start: `scripts/chaos`. Explained in docs/chaos.md.

1. `project` makes a project folder with a frozen issue.
2. `run` sends it with the real program in a process of its own (`sender`), and kills that with SIGKILL again and again.
3. `relay` is the SMTP server on the other side. It injects `faults`, and logs each message that it receives.
4. `judge` compares the relay's log with the program's own records of each recipient.
"""
