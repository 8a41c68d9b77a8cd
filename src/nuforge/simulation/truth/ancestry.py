"""Ancestry: chains of parents followed for all particles of all events at once, and particles nobody needs dropped."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from nuforge.events import Events


def top_of(pointer: Int[Tensor, " p"]) -> Int[Tensor, " p"]:
    """The end (P,) of the chain from each row, found by doubling the length of every jump.

    Args:
        pointer: (P,) the next row of the chain; a row that points to itself is an end.

    Raises:
        ValueError: If a chain never ends.
    """
    for _ in range(len(pointer).bit_length() + 1):
        further = pointer[pointer]
        if torch.equal(further, pointer):
            break
        pointer = further
    if bool((pointer[pointer] != pointer).any()):
        raise ValueError("particles must descend from primaries, got a circle of parents; check the column 'parent'")
    return pointer


def parent_or_self(parent: Int[Tensor, " p"]) -> Int[Tensor, " p"]:
    """The row (P,) of the parent, or the row itself where there is none (-1)."""
    return torch.where(parent < 0, torch.arange(len(parent), device=parent.device), parent)


def with_ancestors(wanted: Bool[Tensor, " p"], parent: Int[Tensor, " p"]) -> Bool[Tensor, " p"]:
    """The wanted particles and all their ancestors, (P,)."""
    jump = parent_or_self(parent)
    for _ in range(len(parent).bit_length() + 1):
        further = wanted.clone()
        further[jump[wanted]] = True
        jump, settled = jump[jump], torch.equal(further, wanted)
        wanted = further
        if settled:
            break
    return wanted


def prune(events: Events) -> Events:
    """These events without the particles that left no trace.

    Kept are primaries, particles that a row of another table names (who gave energy to a voxel), and all ancestors of
    those: labels made afterwards are the same, and every parent that was there still is.

    Args:
        events: Events with `particles`.
    """
    parent = events["particles"]["parent"]
    wanted = parent < 0
    for name, table in events.tables.items():
        for column, target in table.refers_to.items():
            if target == "particles" and name != "particles":
                named = table[column]
                wanted[named[named >= 0]] = True
    return events.keep("particles", with_ancestors(wanted, parent))
