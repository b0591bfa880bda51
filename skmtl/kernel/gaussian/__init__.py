"""Gaussian processes of many tasks: priors, evidence and what labels leave of uncertainty."""
