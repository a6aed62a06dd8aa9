"""Composing: it makes the bytes of a message from an edition's blocks and one subscriber's values."""
