"""Sparse convolution in plain torch, for two to four dimensions: work is done at occupied voxels alone."""

from nuforge.nn.sparse.convolution import InverseConvolution, StridedConvolution, SubmanifoldConvolution
from nuforge.nn.sparse.footprint import Footprint
from nuforge.nn.sparse.level import Level
from nuforge.nn.sparse.tensor import SparseTensor

__all__ = ["Footprint", "InverseConvolution", "Level", "SparseTensor", "StridedConvolution", "SubmanifoldConvolution"]
