"""The language server: what a scan finds, while a template is being written."""
