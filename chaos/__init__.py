"""Proof by harm that nothing is lost and nothing goes twice: started by `scripts/chaos`, read about in docs/chaos.md.

1. `project` makes a project folder with a frozen issue.
2. `run` sends it with the real program in a process of its own (`sender`), and kills that with SIGKILL again and again.
3. `relay` is the SMTP server on the other side. It misbehaves as `faults` says, and logs each message that it heard.
4. `judge` holds the relay's log against what the program says became of each recipient.
"""
