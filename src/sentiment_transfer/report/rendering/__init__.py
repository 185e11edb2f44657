"""The report as a page, Markdown, tables and figures."""
