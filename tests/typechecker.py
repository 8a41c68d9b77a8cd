"""The checker of shapes and types in the test run, as the Makefile names it: `typechecker.check`."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""beartype, for which an int is a float too, as for every other type checker."""
