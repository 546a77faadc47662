"""The Python face: what `import birdsat` offers, each imported when it is first asked for."""
