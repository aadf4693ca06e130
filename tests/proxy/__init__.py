"""Tests through a real nginx with deploy/nginx.conf's own text, in front of gunicorn as the unit of deploy/ starts it.

Lives here: what only the two together show (headers, limits, logs). May not live here: what Django's test client shows.
"""
