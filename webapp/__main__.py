"""`python -m webapp` is `crossfade`."""

from webapp.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
