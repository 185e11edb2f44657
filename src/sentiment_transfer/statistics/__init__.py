"""Pure functions on arrays: metrics, resampling, intervals, tests. Knows neither runs nor files."""
