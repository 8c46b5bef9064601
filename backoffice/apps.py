from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class BackofficeConfig(AppConfig):
    name = "backoffice"
    default = True


class SiteConfig(admin_apps.AdminConfig):
    """Django's admin with our site as `admin.site`."""

    default = False
    default_site = "backoffice.site.Site"
