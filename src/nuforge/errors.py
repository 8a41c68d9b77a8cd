<<<<<<< HEAD
"""What is wrong with what a user gave: one line that says what, with its value, what was expected, and what to do."""


class InputError(ValueError):
    """A file, folder or argument that cannot be used as it is."""


class MissingFileError(InputError, FileNotFoundError):
    """A path where nothing is."""
=======
"""The error of a user's input: one line, shown without a traceback by the command line."""


class InputError(ValueError):
    """What is wrong with its value, what was expected, what to do, in one line."""
>>>>>>> nn
