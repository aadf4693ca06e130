"""Explanations of predictions: Explanation, predict and render.

The only app that calls explain's torch parts, always inside functions and never in a web request.
"""
