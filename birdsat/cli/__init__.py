"""The command line: argv and console, and nothing else."""

from birdsat.cli.main import main

__all__ = ["main"]
