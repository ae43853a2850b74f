"""The management service behind the gateway; `app.wiring` puts it together."""
