"""What the benchmark packages share: tables, CPU times, processes of their own."""
