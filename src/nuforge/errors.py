"""The error of a user's input: one line, shown without a traceback by the command line."""


class InputError(ValueError):
    """What is wrong with its value, what was expected, what to do, in one line."""
