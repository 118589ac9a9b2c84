"""Search sites by a part of their domain or name, among a hundred thousand."""

from django.db.models import Q

from maintenance_windows.models.site import all_sites

FEW = 1000  # the most ids in one query


def contains(text: str, *fields: str) -> Q:
    """Build the condition that one of these fields contains `text`, ignoring case."""
    return Q.create([(f"{field}__icontains", text) for field in fields], connector=Q.OR)


def matching_ids(text: str, *fields: str) -> list[int] | None:
    """Return the ids of the sites with `text` in one of these fields, or None if above FEW.

    This scans all sites, which takes as long as reading thousands of index rows, so a page
    should call it once.
    """
    found = all_sites().filter(contains(text, *fields)).order_by()
    ids = list(found.values_list("pk", flat=True)[: FEW + 1])
    return ids if len(ids) <= FEW else None


def matching(text: str, site: str = "") -> Q:
    """Build the condition that a site has `text` in its domain or name.

    `site` is the lookup prefix, such as `site__`. If there are many such sites, a scan in any order
    soon finds the first of them, so no ids are listed.
    """
    if (ids := matching_ids(text, "domain", "name")) is not None:
        return Q(**{f"{site}pk__in": ids})
    return contains(text, f"{site}domain", f"{site}name")
