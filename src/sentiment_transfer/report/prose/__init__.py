"""Every sentence of the report."""
