from django.urls import path

from domains.api import deletion_views, plan_views, ses_views, views

urlpatterns = [
    path("ses/status", ses_views.SesStatus.as_view()),
    path("domains", views.DomainList.as_view()),
    path("domains/<str:pk>", views.DomainDetail.as_view()),
    path("domains/<str:pk>/deletion-plan", plan_views.DomainDeletionPlan.as_view()),
    path("domains/<str:pk>/dns-records", views.DomainDnsRecords.as_view()),
    path("deletions", deletion_views.DeletionList.as_view()),
    path("deletions/<str:pk>", deletion_views.DeletionDetail.as_view()),
    path("dns-records", views.DnsRecordList.as_view()),
    path("dns-records/<str:pk>", views.DnsRecordDetail.as_view()),
]
