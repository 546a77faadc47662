"""Lists of bird taxa by authority and version, and what a name of one means in another."""
