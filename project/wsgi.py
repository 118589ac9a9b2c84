import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
settings.SECRET_KEY  # noqa: B018 (missing, it is refused here, not at the first log-in)
application = get_wsgi_application()
