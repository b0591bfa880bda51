"""What is minimised: the loss of the data, the penalty as solvers see it, and their sum."""
