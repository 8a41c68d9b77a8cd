"""What goes wrong with what a user gives."""


class InputError(ValueError):
    """A file, folder or argument that cannot be used; the message is one line and says what to do."""
