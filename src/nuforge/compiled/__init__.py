"""WHAT IS COMPILED   libraries built at installation where there is a compiler, never required."""

from nuforge.compiled.library import Library

__all__ = ["Library"]
