"""The optional extension; everything else is in pyproject.toml. Without a C++ compiler the package installs as well."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "nuforge.nn.sparse._kernels",
            ["src/nuforge/nn/sparse/kernels.cpp"],
            language="c++",
            extra_compile_args=["-O3", "-march=native", "-mprefer-vector-width=512", "-std=c++17", "-pthread"],
            extra_link_args=["-pthread"],
            optional=True,
        )
    ]
)
