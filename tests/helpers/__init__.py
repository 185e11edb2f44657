"""What several tests share: made-up data and results, small encoders, servers, processes."""
