"""Where taxa live, learned from points: a network on frozen chip features and places, all taxa at once."""
