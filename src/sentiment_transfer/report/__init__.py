"""Many runs side by side. Reads records only; never imports the model."""
