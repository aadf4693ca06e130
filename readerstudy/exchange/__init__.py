"""Reads in and out: the tables of answers and their dictionary, exports, and loading reads that were made elsewhere.

May not live here: tests and intervals (statistics), and the pages that show them (analysis).
"""
