"""From maps and frames to pictures: heat layers, overlays, animations, curves; and reading those made by other tools.

May not live here: torch. NumPy, Pillow and imageio only.
"""
