"""Tests; a package, so that `tests.smtpd` is found from every folder and is not taken for the library's old module."""
