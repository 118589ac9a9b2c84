"""The project's own tests, which know nothing of each other's maintenance."""

from django.contrib.sites.models import Site
from django.test import SimpleTestCase, TestCase, TransactionTestCase, override_settings

from maintenance_windows.planning import sites
from maintenance_windows.testing import maintenance

IN_TESTS = override_settings(ALLOWED_HOSTS=["testserver"])


@IN_TESTS
class ATransactionTest(TransactionTestCase):
    def test_site_is_taken_down_and_left_so(self):
        site = Site.objects.create(domain="testserver")
        assert self.client.get("/").status_code == 200
        sites.take_down([site], actor="test")
        assert self.client.get("/").status_code == 503


@IN_TESTS
class BTest(TestCase):
    def test_site_is_up(self):
        with self.assertNumQueries(0):
            assert self.client.get("/").status_code == 200

    def test_maintenance_is_pretended(self):
        with maintenance("testserver"):
            assert self.client.get("/").status_code == 503
        assert self.client.get("/").status_code == 200


@IN_TESTS
class CSimpleTest(SimpleTestCase):
    def test_site_is_up(self):
        assert self.client.get("/").status_code == 200
