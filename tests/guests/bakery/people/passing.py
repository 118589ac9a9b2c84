"""Who passes while the site is down: as docs/migrating.md says."""

from rest_framework.authentication import TokenAuthentication


def is_staff(user):
    return user.is_staff or user.is_editor


def may_pass(request):
    found = TokenAuthentication().authenticate(request)
    return found is not None and found[0].is_staff
