"""Users, log-in, second factor.

Lives here: the User model, log-in pages, rate limits. May not live here: anything about studies.
"""
