"""What all pages share: languages, numbers, templates, static files (`docs/architecture.md`, floor 6)."""
