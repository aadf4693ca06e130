"""Measuring kinds of explanation on a data set with masks: what `python -m explain.evaluate` does, step by step.

Lives here: sources of images, the draw, the run, tables and the page. May not live here: what a single figure is.
"""
