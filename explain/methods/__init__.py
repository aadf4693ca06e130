"""The explanation methods, one module a family, and the registry of kinds.

May not live here: files and pictures. Functions are pure: tensors in, tensors out, the model left as it was found.
"""
