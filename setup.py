"""The optional extensions; everything else is in pyproject.toml. Without a C++ compiler the package installs as well.

What gains from them is built for three instruction sets; `nuforge.compiled` loads the best that runs.
"""

import platform

from setuptools import Extension, setup

PORTABLE: dict[str, list[str]] = {"portable": []}
VECTORS = PORTABLE
if platform.machine() in ("x86_64", "AMD64"):
    VECTORS = PORTABLE | {"avx2": ["-march=x86-64-v3"], "avx512": ["-march=x86-64-v4", "-mprefer-vector-width=512"]}


def extensions(
    package: str, builds: dict[str, list[str]], sources: tuple[str, ...], headers: tuple[str, ...], flags: list[str]
) -> list[Extension]:
    """One library of a package for each instruction set."""
    folder = "src/" + package.replace(".", "/")
    return [
        Extension(
            f"{package}._{name}",
            [f"{folder}/{source}.cpp" for source in sources],
            depends=[f"{folder}/{header}.h" for header in headers],
            language="c++",
            extra_compile_args=["-O3", "-std=c++17", *flags, *build],
            extra_link_args=["-pthread"],
            optional=True,
        )
        for name, build in builds.items()
    ]


setup(
    ext_modules=[
        *extensions(
            "nuforge.nn.kernels",
            VECTORS,
            ("closest", "convolution", "maps", "nearest", "norm", "others", "partition"),
            ("crew", "vector"),
            ["-pthread", "-Wno-psabi"],
        ),
        *extensions(
            "nuforge.simulation.transport.kernel",
            PORTABLE,
            (
                "collisions",
                "cascade",
                "coalescence",
                "closing",
                "evaporation",
                "interaction",
                "captures",
                "alone",
                "inside",
                "charged",
                "photons",
                "hadrons",
                "reactions",
                "decays",
                "fly",
                "gather",
            ),
            ("arithmetic", "random", "grid", "four_momentum", "nucleus", "medium", "flight"),
            ["-ffp-contract=off", "-fno-math-errno"],  # every compiler rounds alike
        ),
    ]
)
