"""Include it as `path("maintenance/", include("maintenance_windows.urls"))`."""

from django.urls import path

from maintenance_windows import views
from maintenance_windows.calendar.views import calendar, feed

app_name = "maintenance_windows"
urlpatterns = [
    path("", views.public, name="public"),
    path("status.json", views.status, name="status"),
    path("calendar.ics", calendar, name="calendar"),
    path("feed.atom", feed, name="feed"),
    path("bypass/<path:token>/", views.bypass, name="bypass"),
    path("bypass/<path:token>", views.bypass),
]
