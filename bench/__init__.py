"""Measurements: programs beside the package, started by `scripts/bench`. docs/benchmarks.md says what each prints.

    compose   messages a second, our way and the plain way; what compiling an issue costs
    choose    editions for many subscribers
    dispatch  messages a second to a relay, beside Postfix's load generator and aiosmtplib's own way
    scale     memory and time of a whole issue, for ten thousand to a million subscribers

Every story and reader is invented and comes out of a seeded generator, so each run measures the same work.
"""
