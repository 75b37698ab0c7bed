// Shows the document of this service, and nothing else: nothing can be tried from here, and nobody else is asked.
SwaggerUIBundle({
  url: "/v1/openapi.json",
  dom_id: "#document",
  validatorUrl: null,
  supportedSubmitMethods: [],
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  deepLinking: true,
});
