"""The figures, each drawn once: written as SVG and PDF for a paper, and put into the page as SVG that follows it."""
