"""The built-in transport and its nuclei in C++: same tables, same physics, other random numbers."""
