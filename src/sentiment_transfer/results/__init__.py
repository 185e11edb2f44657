"""Results on disk: the record of a run, its predictions, and the published numbers to compare it with."""
