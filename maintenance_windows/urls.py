"""Include it as `path("maintenance/", include("maintenance_windows.urls"))`."""

from django.urls import path

from maintenance_windows import views

app_name = "maintenance_windows"
urlpatterns = [
    path("bypass/<str:token>/", views.bypass, name="bypass"),
]
