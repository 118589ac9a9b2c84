from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MaintenanceWindowsConfig(AppConfig):
    name = "maintenance_windows"
    verbose_name = _("Maintenance windows")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from maintenance_windows import checks, receivers  # noqa: PLC0415

        receivers.connect(self)
        checks.connect()
