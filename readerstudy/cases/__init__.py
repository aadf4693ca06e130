"""Batches of cases: Batch, Case, Truth, Prediction, and the guarded media view.

Lives here: loading, validation, identity (keyed hashes). May not live here: studies, readers, torch.
"""
