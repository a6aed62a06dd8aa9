"""Schedules: when a newsletter goes out. Pure.

- `slots`: a `Schedule` is a rule on the wall clock of one zone; its *slots* are the times when an issue goes out.
- `words` and `cron` read a rule as it is written: "every monday at 08:00", "30 7 * * mon-fri".
- `calendar` knows the days that a rule speaks of, `zones` which time zones exist.
- `due` decides what becomes of a slot and of an issue at a given time: freeze it, send it, or leave it to a person.
"""
