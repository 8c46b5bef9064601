from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class DeskConfig(AppConfig):
    name = "desk"
    default = True


class DeskSiteConfig(admin_apps.AdminConfig):
    """Django's admin with the desk's site as `admin.site`."""

    default = False
    default_site = "desk.pages.site.DeskSite"
