"""What hands a message over: a relay (`smtp`), a folder (`file`) or nothing at all (`null`).

The delivering loop declares what it needs; a class here fits it by shape:

- `lanes: int`: how many messages may be in flight.
- `async hand_over(message, on_wire) -> Receipt`: one message, one honest answer. `deferred` is for what has definitely
  not been sent; what nobody can tell is `in_doubt`. If nothing can be handed over at all, whoever the recipient, raise
  `TryLater` before a byte has left: the row stays untouched and the loop waits.
- `on_wire()` is called right before the act that may make the message the receiver's own, at most once and only if it
  comes to that. What it raises goes through, and the message has not left.
- `async close()`: gives back what is held. Harmless when called again; a transport can be used after it.

To add one, write a module beside these and name it in the contract suite, tests/contract/test_transport_contract.py.
"""
