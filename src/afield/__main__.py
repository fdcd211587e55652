"""``python -m afield``: the command line where the script folder is not on the path."""

from afield.cli import main

if __name__ == "__main__":
    main()
