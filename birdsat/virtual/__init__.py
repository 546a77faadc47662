"""A seeded virtual planet with virtual birds whose true ranges are known: the embedded default."""
