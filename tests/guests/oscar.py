"""Oscar: a shop with ATOMIC_REQUESTS, a dashboard, and a base template that needs a basket."""

from tests.guests import steps
from tests.guests.host import Host

# As the documentation of Oscar says, "Building your own shop".
APPS = {
    "address": "Address",
    "analytics": "Analytics",
    "basket": "Basket",
    "catalogue": "Catalogue",
    "catalogue.reviews": "CatalogueReviews",
    "checkout": "Checkout",
    "communication": "Communication",
    "customer": "Customer",
    "dashboard": "Dashboard",
    "dashboard.catalogue": "CatalogueDashboard",
    "dashboard.communications": "CommunicationsDashboard",
    "dashboard.offers": "OffersDashboard",
    "dashboard.orders": "OrdersDashboard",
    "dashboard.pages": "PagesDashboard",
    "dashboard.partners": "PartnersDashboard",
    "dashboard.ranges": "RangesDashboard",
    "dashboard.reports": "ReportsDashboard",
    "dashboard.reviews": "ReviewsDashboard",
    "dashboard.shipping": "ShippingDashboard",
    "dashboard.users": "UsersDashboard",
    "dashboard.vouchers": "VouchersDashboard",
    "offer": "Offer",
    "order": "Order",
    "partner": "Partner",
    "payment": "Payment",
    "search": "Search",
    "shipping": "Shipping",
    "voucher": "Voucher",
    "wishlists": "Wishlists",
}
SETTINGS = f"""
INSTALLED_APPS = {
    [
        "django.contrib.sites",
        "django.contrib.flatpages",
        "oscar.config.Shop",
        *(f"oscar.apps.{path}.apps.{name}Config" for path, name in APPS.items()),
        "widget_tweaks",
        "haystack",
        "treebeard",
        "sorl.thumbnail",
        "django_tables2",
    ]
}
SITE_ID = 1
MIDDLEWARE = [
    "oscar.apps.basket.middleware.BasketMiddleware",
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "oscar.apps.customer.auth_backends.EmailBackend",
    "django.contrib.auth.backends.ModelBackend",
]
"""
REST = """
from oscar.defaults import *

TEMPLATES[0]["DIRS"].append(BASE_DIR / "templates")
TEMPLATES[0]["OPTIONS"]["context_processors"] += [
    "oscar.apps.search.context_processors.search_form",
    "oscar.apps.checkout.context_processors.checkout",
    "oscar.apps.communication.notifications.context_processors.notifications",
    "oscar.core.context_processors.metadata",
]
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
DATABASES["default"]["ATOMIC_REQUESTS"] = True
ALLOWED_HOSTS = ["example.com"]
"""
URLS = """
from django.apps import apps
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("", include(apps.get_app_config("oscar").urls[0])),
]
"""
PEOPLE = """
def is_staff(user):
    return user.is_staff or user.has_perm("partner.dashboard_access")
"""


class Oscar(Host):
    packages = ("django-oscar[sorl-thumbnail]",)
    login = "/dashboard/login/"
    office = "/dashboard/"
    # Its 503.html extends the base template, which needs the basket of a request: ours is shown.
    warned = frozenset({"W014"})
    silenced = frozenset({"W014"})
    raised = ("Internal Server Error",)  # the log has why that page cannot be rendered
    advice = """
MAINTENANCE_IS_STAFF = "yourproject.people.is_staff"
"""

    def make(self) -> None:
        self.type("django-admin startproject yourproject", where=self.folder)
        self.add("settings.py", SETTINGS)
        self.append("settings.py", REST + steps.SQLITE)
        self.file("urls.py").write_text(URLS)
        self.file("people.py").write_text(PEOPLE)
        templates = self.site / "templates"
        templates.mkdir()
        (templates / "503.html").write_text('{% extends "oscar/layout.html" %}')

    def people(self) -> str:
        return """
from django.contrib.auth.models import Permission
editor.user_permissions.add(Permission.objects.get(codename="dashboard_access"))
from oscar.core.loading import get_model
get_model("partner", "Partner").objects.create(name="Bakery").users.add(editor)
"""
