"""The statistics of reader studies: plan, tests and intervals, figures, words, and what the report holds.

May not live here: Django, the database, pages. Tables go in as data frames, results come out as plain data.
"""
