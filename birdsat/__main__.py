"""`python -m birdsat`: the command line, where its script is not on the path."""

from birdsat.cli import main

if __name__ == "__main__":
    main()
