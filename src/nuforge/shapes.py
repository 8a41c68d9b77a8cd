"""Named array shapes, checked in the test run only.

n rows, v voxels, s segments, p particles, b events, k classes, c channels.
"""

from jaxtyping import Bool, Float, Int
from torch import Tensor

Offsets = Int[Tensor, " b+1"]
Rows = Int[Tensor, " n"]
Mask = Bool[Tensor, " n"]
Scalars = Float[Tensor, " n"]
Points = Float[Tensor, "n 3"]
VoxelIndex = Int[Tensor, "n 3"]
Scores = Float[Tensor, "n k"]
Features = Float[Tensor, "n c"]
