"""The optional extensions; everything else is in pyproject.toml. Without a C++ compiler the package installs as well.

The same sources are built for three instruction sets; `nuforge.nn.kernels.library` loads the best that runs.
"""

import platform

from setuptools import Extension, setup

KERNELS = "src/nuforge/nn/kernels"
BUILDS = {"portable": []}
if platform.machine() in ("x86_64", "AMD64"):
    BUILDS |= {"avx2": ["-march=x86-64-v3"], "avx512": ["-march=x86-64-v4", "-mprefer-vector-width=512"]}

setup(
    ext_modules=[
        Extension(
            f"nuforge.nn.kernels._{name}",
            [f"{KERNELS}/{source}.cpp" for source in ("convolution", "maps", "norm")],
            depends=[f"{KERNELS}/{header}.h" for header in ("crew", "vector")],
            language="c++",
            extra_compile_args=["-O3", "-std=c++17", "-pthread", "-Wno-psabi", *flags],
            extra_link_args=["-pthread"],
            optional=True,
        )
        for name, flags in BUILDS.items()
    ]
)
