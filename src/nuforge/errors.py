"""What is wrong with what a user gave: one line that says what, with its value, what was expected, and what to do."""


class InputError(ValueError):
    """A file, folder or argument that cannot be used as it is."""


class MissingFileError(InputError, FileNotFoundError):
    """A path where nothing is."""
