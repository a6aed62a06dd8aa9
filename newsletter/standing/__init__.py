"""Standing: the sender's reputation with mailbox providers. Pure decisions.

`answers` decides the consequences of a relay's answer for a delivery, for its subscriber and for the run.
"""
