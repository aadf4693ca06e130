"""Reads that were made elsewhere, into a study of their own: published spreadsheets, or our own long export.

spreadsheets.py and long_table.py parse and check files, shape.py is what both give, storing.py makes the rows.
"""
