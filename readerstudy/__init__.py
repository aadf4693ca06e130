"""The Django project: interactive reader studies of explanation methods.

Imports run one way: analysis -> exchange -> reading -> studies -> explanations -> cases -> accounts -> common;
statistics (pure) and explain (PyTorch) stand on the ground beside them. Torch is imported nowhere at module level. Each
app's own __init__ says what it holds; docs/architecture.md draws the house.
"""

from explain import __version__ as __version__
