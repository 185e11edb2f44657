"""The report as files for other programs: Markdown, CSV, LaTeX, and the figures as SVG and PDF."""
