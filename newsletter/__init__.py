"""Personal e-mail newsletters: one edition for each subscriber, only their topics, never the same story twice.

1. `sources` read tagged stories from folders, feeds and pasted text, clean them, and `store` keeps every version.
2. `prepare` freezes an issue: `topics` finds each story's topics, `related` merges reports of the same news,
   `issue` ranks, and the manifest is hashed. `render` compiles each story once. `edition` chooses for each distinct set
   of interests, and one delivery row is written for each subscriber.
3. `delivering` claims rows, `composing` joins the compiled blocks and fills one subscriber's placeholders, a transport
   takes the bytes, and each row is settled with the transport's receipt.

`model` defines the terms, `app` connects the parts, and `cli` and `web` are the two ways in.
docs/flow.md walks through it all.
"""

__version__ = "0.1.0"
"""The version. It stands nowhere else: packages, `newsletter --version` and scripts/release read it here."""
