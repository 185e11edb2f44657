"""What a run found: metrics, the record on disk, the published numbers, and the table of both."""
