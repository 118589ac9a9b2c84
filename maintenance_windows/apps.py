from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

NO_SITES = (
    '(maintenance_windows.E006) Add "django.contrib.sites" to INSTALLED_APPS: '
    "maintenance_windows needs it."
)


class MaintenanceWindowsConfig(AppConfig):
    name = "maintenance_windows"
    verbose_name = _("Maintenance")
    default_auto_field = "django.db.models.BigAutoField"

    def import_models(self) -> None:
        """Our models import Site: without django.contrib.sites, Django fails before any check."""
        if not apps.is_installed("django.contrib.sites"):
            raise ImproperlyConfigured(NO_SITES)
        super().import_models()

    def ready(self) -> None:
        from maintenance_windows import checks, receivers  # noqa: PLC0415

        receivers.connect(self)
        checks.connect()
