"""Units as numbers: cm, ns, MeV, g, kV and e are 1; everything inside the package is in these.

Multiply to bring a number in, divide to take it out: `3.0 * m` is a length, `time / us` a number of microseconds.
"""

cm = ns = MeV = g = kV = e = 1.0

um, mm, m, km = 1e-4, 0.1, 1e2, 1e5
us, ms, s = 1e3, 1e6, 1e9
eV, keV, GeV = 1e-6, 1e-3, 1e3
mg, kg = 1e-3, 1e3
V = 1e-3
Hz, MHz = 1e-9, 1e-3
fC = 6241.509074  # electrons in 1e-15 C
