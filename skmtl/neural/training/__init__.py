"""The only training loop, and what surrounds it."""
