"""Personal e-mail newsletters: one edition for each subscriber, only their topics, never the same story twice.

1. `sources` read tagged stories from folders, feeds and pasted text, clean them, and `store` keeps every version.
2. `prepare` freezes an issue: `topics` says what each story is about, `related` merges the same news told twice,
   `issue` ranks, and the manifest is hashed. `render` compiles each story once. `edition` chooses for each distinct set
   of interests, and one delivery row is written for each subscriber.
3. `deliver` claims rows, lets `message` join the compiled blocks and fill one subscriber's slots, hands the bytes to a
   transport, and settles each row with what the transport answered.

`model` has the words, `app` the wiring, `cli` and `web` are the two ways in. docs/flow.md walks through it.
"""

__version__ = "0.1.0"
"""The one place that has it: packages, `newsletter --version` and scripts/release read it here."""
