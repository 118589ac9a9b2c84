"""How much of a site is closed, as the database keeps it."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.state import Level

LEVELS = [(Level.FULL.value, _("full")), (Level.READ_ONLY.value, _("read-only"))]
LEVEL_HELP = _("Full closes everything; read-only lets GET, HEAD and OPTIONS pass.")
KNOWN_LEVEL = Q(level__in=[level for level, _ in LEVELS])
