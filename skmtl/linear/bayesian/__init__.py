"""Linear models whose coefficients have a distribution over the tasks, learned from them."""
