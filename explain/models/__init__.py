"""Classifiers and autoencoders: the registry, weights, folders of models, fast copies.

May not live here: explanations of what a model predicts, and training. Nothing that is read may run code.
"""
