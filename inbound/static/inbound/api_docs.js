"use strict";

// `persistAuthorization` stays off: a key must not remain in the browser.
SwaggerUIBundle({
  url: document.getElementById("api").dataset.description,
  dom_id: "#api",
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestSnippetsEnabled: true,
});
