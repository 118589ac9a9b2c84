"""Sites by a piece of their domain or name, be they a hundred thousand."""

from django.db.models import Q

from maintenance_windows.models.site import all_sites

FEW = 1000  # rows that a query names one by one


def contains(text: str, *fields: str) -> Q:
    """That one of these fields has `text` in it, in whatever case."""
    return Q.create([(f"{field}__icontains", text) for field in fields], connector=Q.OR)


def matching_ids(text: str, *fields: str) -> list[int] | None:
    """The ids of the sites that have `text` in one of these fields; None where they are many.

    To look through all sites takes as long as to read thousands of rows of an index: a page
    should do it once.
    """
    found = all_sites().filter(contains(text, *fields)).order_by()
    ids = list(found.values_list("pk", flat=True)[: FEW + 1])
    return ids if len(ids) <= FEW else None


def matching(text: str, site: str = "") -> Q:
    """The sites with `text` in domain or name, as a condition; `site` is how it is reached.

    Where there are many, the first of them are found soon, in whatever order.
    """
    if (ids := matching_ids(text, "domain", "name")) is not None:
        return Q(**{f"{site}pk__in": ids})
    return contains(text, f"{site}domain", f"{site}name")
