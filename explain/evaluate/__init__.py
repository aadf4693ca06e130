"""Does an explanation tell the truth? Figures of merit, with and without expert masks.

Lives here: what a metric is (metric.py), their registry (metrics.py), a module for each question, and the command that
measures a data set. May not live here: anything that needs a study or a database.
"""
