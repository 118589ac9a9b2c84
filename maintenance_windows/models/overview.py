"""The overview as a model: an entry in the lists of models, from which admin themes make menus."""

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from maintenance_windows.models.site import SiteMaintenance


class Overview(SiteMaintenance):
    """Has no rows of its own; nothing reads or writes through it."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = _("overview")
        # Lists of models are sorted by this name: the space, which no page shows, puts it first.
        verbose_name_plural = format_lazy(" {}", _("Overview"))
