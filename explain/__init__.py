"""Explanations of chest X-ray classifiers: a pure PyTorch library.

Lives here: reading radiographs, classifiers, gradient maps (Method A), Latent Shift (Method B), rendering, evaluation.
May not live here: Django, studies, readers. Functions are pure; only images.py and render.py touch files.
"""

__version__ = "0.1.0"
