"""Schedules: when a newsletter goes out. Pure."""
