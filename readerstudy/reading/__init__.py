"""Reading: Reader, Read, Assignment, Visit, Response; allocation; the reading room and its JSON API.

Lives here: everything a reader touches. May not live here: truth, except practice feedback (one function).
"""
