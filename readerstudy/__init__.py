"""The Django project: interactive reader studies of explanation methods.

Imports run one way, from higher to lower apps; statistics (pure) and explain (PyTorch) stand on the ground beside them.
Torch is imported nowhere at module level. docs/architecture.md draws the house and says the order; each app's own
__init__ says what it holds.
"""

from explain import __version__ as __version__
