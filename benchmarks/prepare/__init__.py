"""Makes the files that benchmarks read from the files that the makers of sets offer.

Nothing is downloaded: a person downloads a file (`benchmarks/README.md` says where) and names it.

    python -m benchmarks.prepare mtr_slump slump.arff --data ../shared/data
"""
