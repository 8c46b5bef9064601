from django.urls import path

from endpoints.api.views import EndpointListView, EndpointView

urlpatterns = [
    path("endpoints", EndpointListView.as_view()),
    path("endpoints/<str:pk>", EndpointView.as_view()),
]
