"""The demo study: what fixtures/demo holds, its accounts, and a finished study read by simulated readers.

Above every other app; nothing imports it. It has no models and no pages.
"""
