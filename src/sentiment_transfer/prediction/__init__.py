"""Labels for texts of any number: in a notebook, or from file to file in constant memory."""
