"""What the embeddings are for: classification and retrieval."""
