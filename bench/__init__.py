"""Benchmarks: programs next to the package, started by `scripts/bench`. docs/benchmarks.md explains their output.

    compose   messages a second, our way and the plain way; the cost of compiling an issue
    choose    editions for many subscribers
    dispatch  messages a second to a relay, compared with Postfix's load generator and with aiosmtplib's sendmail
    scale     memory and time of a whole issue, for ten thousand to a million subscribers

Stories and subscribers are invented by a seeded generator, so each run measures the same work.
"""
