"""What every page of the gateway shares: templates, static files, texts in two languages, headers, access."""
