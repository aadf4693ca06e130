"""Background work: Job rows, queues, workers. Knows nothing of studies or cases.

A job is asked for on a page or by a command, waits in the database, and is done by a worker (`manage.py worker`) on any
host that reaches the database and the files. Apps say on their AppConfig which kinds of job they have (kinds.py).
"""
