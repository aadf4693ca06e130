"""Benchmarks: one file per question, each prints its own figures in bounded time. See README.md here.

They are run by hand (`make bench`), never by the test suite: no test depends on how fast a machine is.
"""
