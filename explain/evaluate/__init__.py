"""Does an explanation tell the truth? Figures of merit against expert masks.

Lives here: localisation (NumPy only). May not live here: anything that needs a study or a database.
"""
