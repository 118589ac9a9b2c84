from typing import Any

from django.db import migrations, models


class AddWholeIndex(migrations.AddIndex):
    """For MariaDB, which leaves the conditions of indexes away, and of no concern to the models:
    finds the same rows by the columns that the conditions are about.
    """

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        if not schema_editor.connection.features.supports_partial_indexes:
            super().database_forwards(app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        if not schema_editor.connection.features.supports_partial_indexes:
            super().database_backwards(app_label, schema_editor, *states)


class Migration(migrations.Migration):

    dependencies = [
        ('maintenance_windows', '0004_operators_and_calendars'),
        ('sites', '0002_alter_domain_unique'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='maintenancewindow',
            index=models.Index(condition=models.Q(('cancelled_at', None), ('ended_at', None)), fields=['site', 'starts_at'], name='mw_window_live'),
        ),
        migrations.RemoveIndex(
            model_name='maintenancewindow',
            name='mw_window_site_waiting',
        ),
        AddWholeIndex(
            model_name='maintenancewindow',
            index=models.Index(fields=['ended_at', 'started_at', 'cancelled_at', 'starts_at'], name='mw_window_state'),
        ),
        AddWholeIndex(
            model_name='sitemaintenance',
            index=models.Index(fields=['in_maintenance', 'since'], name='mw_flag_state'),
        ),
    ]
