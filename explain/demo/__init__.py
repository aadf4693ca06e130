"""Synthetic X-rays and the small models trained on them: phantoms, the demo pair, its training and its card.

May not live here: anything that another folder of `explain` needs, but for the demo pair that the registry offers.
"""
