from endpoints.admin import endpoints as endpoints
