"""Analyses of studies: running and keeping them, the pages that show them, planning, downloads.

May not live here: statistics (readerstudy.statistics, pure) and tables of answers (readerstudy.exchange).
"""
