"""Small changes of the code, one at a time: each must fail a test (mutation testing).

``python -m tests.mutation skmtl/linear/penalties`` draws changes of a room, runs for each the
tests that reach its line, the fastest first, and prints what no test has noticed.
"""
