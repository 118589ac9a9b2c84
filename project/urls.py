from django.contrib import admin
from django.urls import include, path

from project import views

urlpatterns = [
    path("", views.home),
    path("healthz", views.healthz),
    path("readyz", views.readyz),
    path("admin/", admin.site.urls),
    path("maintenance/", include("maintenance_windows.urls")),
]
