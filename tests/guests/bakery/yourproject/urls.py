from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from django.views.generic import TemplateView
from people.views import orders

admin.site.login = secure_admin_login(admin.site.login)

urlpatterns = [
    path("", TemplateView.as_view(template_name="home.html"), name="home"),
    path("secret-admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("api/orders/", orders),
]
