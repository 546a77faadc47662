"""Which bird is in a photo: what the image says, what place and date say, both together, and how sure that is."""
