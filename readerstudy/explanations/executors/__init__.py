"""Who does units of work: this process, processes of this host, or workers of a Dask cluster.

May not live here: Django, rows, and anything about what the work is. Torch is imported inside the units only.
"""
