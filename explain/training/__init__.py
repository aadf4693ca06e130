"""Models of one's own: images to train on, the loop, the model folder with its card; `python -m explain.training`.

May not live here: the demo's phantoms and their training (explain.demo), and networks themselves (explain.models).
"""
