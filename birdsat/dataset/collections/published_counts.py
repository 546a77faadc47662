"""Whether a dataset holds the whole of a published collection."""

from dataclasses import dataclass

from birdsat.dataset.manifest import Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedCounts:
    """What the authors say that the whole of a collection holds."""

    name: str
    taxa: int
    train: int  # photos to learn from; val, which is drawn from them, is among them
    test: int  # photos


def completeness(manifest: Manifest, published: PublishedCounts, *, own_split: bool) -> str:
    """One sentence: whether the dataset is the whole of the collection or a part of it, with figures.

    own_split: whether the rows are in the collection's own split; if not, train and test are counted together.
    """
    train, test = manifest.rows("train") + manifest.rows("val"), manifest.rows("test")
    figures = [("taxa", len(manifest.taxa), published.taxa)]
    if own_split:
        figures += [("photos to train on (val among them)", train, published.train), ("to test", test, published.test)]
    else:
        figures.append(("photos", train + test, published.train + published.test))
    if all(found == whole for _, found, whole in figures):
        return f"The whole of {published.name}, as published: {', '.join(f'{n:,} {what}' for what, n, _ in figures)}."
    if all(found <= whole for _, found, whole in figures):
        parts = ", ".join(f"{found:,} of {whole:,} {what}" for what, found, whole in figures)
        return f"A part of {published.name}: {parts}."
    parts = ", ".join(f"{found:,} {what} (published: {whole:,})" for what, found, whole in figures)
    return f"Not {published.name} as published: {parts}."
