"""Scale and delivery: searches, small fits, more data than memory, several processes.

A part is a file here with a function ``main(settings)``; the command runs those named, or all.
Files whose names begin with an underscore are shared by parts.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 python -m benchmarks.scale search
"""
