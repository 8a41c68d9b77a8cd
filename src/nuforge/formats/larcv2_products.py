"""Products of LArCV2 files: trees of one object an event, and the members of these objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nuforge.errors import InputError
from nuforge.formats.baskets import Leaf
from nuforge.formats.clones import Layouts
from nuforge.formats.lockstep import Runs, describes, read_split, read_whole

CLASSES: Mapping[str, str] = {
    "image2d": "larcv::EventImage2D",
    "sparse2d": "larcv::EventSparseTensor2D",
    "cluster2d": "larcv::EventClusterPixel2D",
    "sparse3d": "larcv::EventSparseTensor3D",
    "cluster3d": "larcv::EventClusterVoxel3D",
    "particle": "larcv::EventParticle",
}
"""The class of an event of each type of product that is read."""


@dataclass(frozen=True)
class Product:
    """One product of a file: `kind` is its type, as sparse2d, and `producer` the rest of its name.

    Args:
        path: The file, for messages.
        name: Of its tree.
        kind: Type.
        producer: Name of who made it.
        entries: Events.
        leaves: The branches that hold data, by the names of members; "" if ROOT did not split the object.
        layouts: The classes of the file.
    """

    path: Path
    name: str
    kind: str
    producer: str
    entries: int
    leaves: Mapping[str, Leaf]
    layouts: Layouts

    @classmethod
    def of(cls, path: Path, tree: Any, kind: str, producer: str, layouts: Layouts) -> Product:  # noqa: ANN401
        """A product by its tree."""
        whole = tree.name.removesuffix("_tree") + "_branch"
        leaves = {branch.name: Leaf(path, branch) for branch in tree.itervalues() if not branch.branches}
        leaves = {"" if name == whole else name: leaf for name, leaf in leaves.items()}
        return cls(path, tree.name, kind, producer, int(tree.num_entries), leaves, layouts)

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return int(self.kind[-2])

    def has(self, name: str) -> bool:
        """Whether a member is in a branch."""
        return any(_holds(leaf, name) for leaf in self.leaves) and describes(self.layouts, CLASSES[self.kind], name)

    def members(self, begin: int, end: int, wanted: Sequence[str]) -> dict[str, Runs]:
        """Members of consecutive events, by their names, and how many elements vectors have.

        Raises:
            InputError: If there is none of a name, or the bytes are not what the file says of them.
        """
        missing = [name for name in wanted if not self.has(name)]
        if missing:
            raise InputError(
                f"'{self.name}' of {self.path} lacks the members {missing}, it has {sorted(self.leaves)[:20]}; "
                "write it with larcv2 as it comes"
            )
        found: dict[str, Runs] = {}
        of = CLASSES[self.kind]
        for name, leaf in self.leaves.items():
            mine = [each for each in wanted if _holds(name, each)]
            if mine:
                data, places = leaf.entries(begin, end)
                if name:
                    found |= read_split(data, places, self.layouts, of, name, mine)
                else:
                    found |= read_whole(data, places, self.layouts, of, mine)
        return found


def _holds(leaf: str, name: str) -> bool:
    """Whether a branch holds a member."""
    return leaf in ("", name) or name.startswith(leaf + ".")
