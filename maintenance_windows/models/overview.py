"""The overview as a model: an entry in the lists of models, from which admin themes make menus."""

from django.utils.translation import gettext_lazy as _

from maintenance_windows.models.site import SiteMaintenance


class Overview(SiteMaintenance):
    """Has no rows of its own; nothing reads or writes through it."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = verbose_name_plural = _("overview")
