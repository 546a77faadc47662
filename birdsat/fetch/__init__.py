"""What comes from elsewhere over a network, and goes there: the only importer of huggingface_hub."""
