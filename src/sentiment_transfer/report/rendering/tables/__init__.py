"""The report's tables, each built once: the page, the Markdown, the CSV and the LaTeX only write them differently."""
