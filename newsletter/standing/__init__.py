"""Standing: our name with the mailbox providers. Pure.

`answers` decides what a reply means for a delivery, for its subscriber and for the run.
"""
