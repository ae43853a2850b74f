// Swagger UI on the OpenAPI document of this service. A key that is entered stays in this tab's memory only.
"use strict";

const reference = document.getElementById("reference");

function follow(dark) {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

async function show() {
  const response = await fetch(reference.dataset.document);
  if (!response.ok) {
    throw new Error(`HTTP ${response.status}`);
  }
  const spec = await response.json();
  // The page's own origin, whatever address the service is known by: the browser lets it call no other.
  spec.servers = [{ url: reference.dataset.root }];
  SwaggerUIBundle({
    domNode: reference,
    spec,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    docExpansion: "list",
    filter: true,
    persistAuthorization: false,
    validatorUrl: null,
  });
}

const dark = matchMedia("(prefers-color-scheme: dark)");
follow(dark);
dark.addEventListener("change", follow);
show().catch((error) => {
  reference.textContent = `The OpenAPI document could not be shown: ${error.message}. Reload the page to try again.`;
});
