"""Steps and elastic scatters of the built-in transport in C++: same tables, same physics, other random numbers."""
