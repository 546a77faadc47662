"""Embeddings: a method and a dataset in, tables of ids and unit vectors out."""
