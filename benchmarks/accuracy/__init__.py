"""How accurate default settings are, beside the defaults of other packages.

A *table* (regression, classification, long form, STAR, Tox21) has *sets* and *methods*; a *record*
is what one method did on one set: the error per task and the CPU seconds of a fit. Records are kept
as JSON, so that peers need not run again.
"""
