"""The Django project: interactive reader studies of explanation methods.

Imports run one way: analysis -> reading -> studies -> explanations -> cases -> accounts. Torch is imported nowhere at
module level. Each app's own __init__ says what it holds.
"""

from explain import __version__ as __version__
