from celery import shared_task
from django.core.cache import cache


@shared_task
def bake():
    cache.add("loaves", 0, None)
    cache.incr("loaves")
