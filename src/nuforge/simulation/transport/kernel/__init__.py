"""The electromagnetic part of the built-in transport in C++: same tables, same physics, other random numbers."""
