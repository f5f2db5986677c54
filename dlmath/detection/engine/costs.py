"""What three designs of a detector cost: every region through the network, one map for all, and proposals from the map.

Counts of layers come in (from `param-count`'s own engine); here they are put together as each paper does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

SVD_RANKS = {"fc6": 1024, "fc7": 256}
"""Ranks of Fast R-CNN's truncated singular value decomposition (Girshick 2015, section 4.4)."""


class CostedLayer(NamedTuple):
    """One layer, run once.

    Attributes
    ----------
    name : str
    macs, params, weights : int
    shape : (int, int)
        Inputs and outputs of one position: a fully connected layer's matrix.
    """

    name: str
    macs: int
    params: int
    weights: int
    shape: tuple[int, int]


class CostParts(NamedTuple):
    """The layers that the designs are made of.

    Attributes
    ----------
    crop : sequence of CostedLayer
        The convolutions on one warped region.
    picture : sequence of CostedLayer
        The same convolutions on the whole picture.
    head : sequence of CostedLayer
        What runs for each region: fully connected layers, then classes and boxes.
    hidden : sequence of CostedLayer
        Those of `head` before classes and boxes.
    proposals : sequence of CostedLayer
        The region proposal network.
    """

    crop: Sequence[CostedLayer]
    picture: Sequence[CostedLayer]
    head: Sequence[CostedLayer]
    hidden: Sequence[CostedLayer]
    proposals: Sequence[CostedLayer]


class Term(NamedTuple):
    """A part of a design's cost: `times` runs of `macs` multiply-accumulates."""

    name: str
    times: int
    macs: int

    @property
    def total(self) -> int:
        """Multiply-accumulates of all runs."""
        return self.times * self.macs


class Design(NamedTuple):
    """A detector.

    Attributes
    ----------
    name, source : str
    passes : str
        What goes through the network how often.
    terms : tuple of Term
    params : int
    published : str
        What its paper measured.
    """

    name: str
    source: str
    passes: str
    terms: tuple[Term, ...]
    params: int
    published: str

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one picture."""
        return sum(term.total for term in self.terms)


def macs(layers: Sequence[CostedLayer]) -> int:
    """Return the multiply-accumulates of one run."""
    return sum(layer.macs for layer in layers)


def params(layers: Sequence[CostedLayer]) -> int:
    """Return the parameters."""
    return sum(layer.params for layer in layers)


def decomposed(layer: CostedLayer) -> CostedLayer:
    """Return a fully connected layer split by singular values: t (inputs + outputs) weights in place of their product.

    >>> decomposed(CostedLayer("fc6", 102760448, 102764544, 102760448, (25088, 4096))).macs
    29884416
    """
    rank = SVD_RANKS.get(layer.name)
    if rank is None:
        return layer
    weights = rank * sum(layer.shape)
    return layer._replace(macs=weights, weights=weights, params=layer.params - layer.weights + weights)


def designs(parts: CostParts, regions: int, proposals: int) -> tuple[Design, ...]:
    """Return the designs, the dearest first.

    Parameters
    ----------
    parts : CostParts
    regions : int
        Regions of one picture from outside (selective search: 2,000).
    proposals : int
        Regions that the proposal network leaves (300).
    """
    once = Term("convolutions, once over the picture", 1, macs(parts.picture))
    split = [decomposed(layer) for layer in parts.head]
    held = params(parts.picture) + params(parts.head)
    return (
        Design(
            "R-CNN",
            "Girshick et al. 2014; VGG16 as Girshick 2015 measures it",
            f"{regions:,} crops through the whole network",
            (
                Term("convolutions, each crop", regions, macs(parts.crop)),
                Term("fc6 and fc7, each crop", regions, macs(parts.hidden)),
            ),
            params(parts.crop) + params(parts.hidden),
            "47 s a picture, 84 h of training, mAP 66.0 (Girshick 2015, section 4.4)",
        ),
        Design(
            "Fast R-CNN",
            "Girshick 2015",
            f"one map, {regions:,} regions pooled from it",
            (once, Term("head, each region", regions, macs(parts.head))),
            held,
            "0.32 s a picture (146 x faster), 9.5 h of training, mAP 66.9 (Girshick 2015, section 4.4)",
        ),
        Design(
            "Fast R-CNN, truncated SVD",
            "Girshick 2015, section 4.4",
            f"the same, fc6 and fc7 of rank {SVD_RANKS['fc6']} and {SVD_RANKS['fc7']}",
            (once, Term("split head, each region", regions, macs(split))),
            params(parts.picture) + params(split),
            "0.22 s a picture (213 x faster), mAP 66.6 (Girshick 2015, section 4.4)",
        ),
        Design(
            "Faster R-CNN",
            "Ren et al. 2015",
            f"one map, proposals from it, {proposals:,} regions pooled",
            (
                once,
                Term("region proposal network, once", 1, macs(parts.proposals)),
                Term("head, each region", proposals, macs(parts.head)),
            ),
            held + params(parts.proposals),
            "5 pictures a second, proposals included (Ren et al. 2015, abstract)",
        ),
    )
