"""Explanations of chest X-ray classifiers: a pure PyTorch library.

Lives here: images (radiographs), models, methods (explanations), render (pictures), evaluate, training, demo.
May not live here: Django, studies, readers. methods/ and render/ are pure: what they make, others write to files.
"""

__version__ = "0.1.0"
