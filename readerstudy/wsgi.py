"""The WSGI application: `gunicorn readerstudy.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from readerstudy.accounts.logs import mask_gunicorn

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readerstudy.settings")
application = get_wsgi_application()
mask_gunicorn()
get_resolver().url_patterns  # noqa: B018 - imports every page now: nobody's first request waits two seconds for it
