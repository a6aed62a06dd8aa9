"""How a store grows: numbered migrations, run by Alembic inside one transaction when a store is opened.

To add one, write `versions/vNNNN_what.py` by hand after its predecessor and raise `engine.VERSION`. The contract tests
check that the migrations lead exactly to `tables`.
"""
