"""What Newton's method with quadratic penalties is made of."""
