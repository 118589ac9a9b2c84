"""The project's settings behind a proxy, with exempt addresses from the environment."""

from project.settings import *  # noqa: F403
from project.settings import env_list

INTERNAL_IPS = env_list("PROXIED_INTERNAL_IPS")
MAINTENANCE_EXEMPT_NETWORKS = env_list("PROXIED_EXEMPT_NETWORKS")
MAINTENANCE_TRUSTED_PROXIES = env_list("PROXIED_TRUSTED_PROXIES")
ROOT_URLCONF = "tests.helpers.proxied_urls"
