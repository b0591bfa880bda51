"""What proximal Newton steps on working sets of rows are made of."""
