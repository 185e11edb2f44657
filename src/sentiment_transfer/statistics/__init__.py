"""Pure functions on arrays: resampling, intervals, tests. Knows neither runs nor files."""
