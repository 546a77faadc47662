"""Observations of birds: the record, taxonomy, readers, curation and spatial splits."""
