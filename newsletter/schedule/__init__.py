"""Schedules: when a newsletter goes out. Pure.

- `slots`: a `Schedule` is a rule on the wall clock of one zone; its *slots* are the times when an issue goes out.
- `words` and `cron` read a rule as it is written: "every monday at 08:00", "30 7 * * mon-fri".
- `calendar` computes the days of a rule, `zones` checks that a time zone exists.
- `due` decides at a given time whether to freeze a slot's issue, send an issue, or leave either to a person.
"""
