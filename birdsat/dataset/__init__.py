"""Datasets: Parquet shards of photos and chips; built, checked, and read as batches."""
