"""Choosing: an issue's stories, the ones among them that each subscriber gets, and the reasons. Pure.

`intake` holds floods of old stories back, `topics` and `keywords` find a story's topics, `related` merges stories that
report the same news, `ranking` orders the stories of an issue, and `edition` chooses for one set of interests.
"""
