from django.urls import path

from addresses.api import blocked_views, bulk_views, views

urlpatterns = [
    path("email-addresses", views.AddressList.as_view()),
    path("email-addresses/bulk-delete", bulk_views.BulkDelete.as_view()),
    path("email-addresses/<str:pk>", views.AddressDetail.as_view()),
    path("email-addresses/<str:pk>/deletion-plan", views.AddressDeletionPlan.as_view()),
    path("blocked-emails", blocked_views.BlockedEmailList.as_view()),
    path("blocked-emails/<str:pk>", blocked_views.BlockedEmailDetail.as_view()),
]
