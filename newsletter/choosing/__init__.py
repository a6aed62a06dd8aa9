"""Choosing: which stories stand for an issue, and which of them each reader gets, and why. Pure.

`intake` keeps floods back, `topics` and `keywords` find what a story is about, `related` merges the same
news told twice, `ranking` orders and freezes, and `edition` chooses for one set of interests.
"""
