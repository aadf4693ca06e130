"""Analysis: tables, paired tests, MRMC, agreement, figures, report, export.

Statistics are pure functions on arrays and data frames; only tables.py, export.py and views touch the database.
"""
