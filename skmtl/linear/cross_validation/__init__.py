"""Which alpha: paths, folds and their statistics, leave-one-out."""
