"""The app of `celery -A worker worker` and `celery -A worker beat`, over Redis."""

from django.conf import settings

from worker.factory import make_app, set_up_django

set_up_django()

if not settings.REDIS_URL:
    raise SystemExit("Set REDIS_URL, or run `python -m worker`, which needs no broker.")

# Without a timeout a frozen Redis would block beat for ever.
app = make_app(
    settings.REDIS_URL, socket_timeout=3, socket_connect_timeout=2, socket_keepalive=True
)
