from django.urls import path

from domains import ses_views, views

urlpatterns = [
    path("ses/status", ses_views.SesStatus.as_view()),
    path("domains", views.DomainList.as_view()),
    path("domains/<str:pk>", views.DomainDetail.as_view()),
    path("domains/<str:pk>/dns-records", views.DomainDnsRecords.as_view()),
    path("dns-records", views.DnsRecordList.as_view()),
    path("dns-records/<str:pk>", views.DnsRecordDetail.as_view()),
]
