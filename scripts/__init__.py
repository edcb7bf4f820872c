"""Tools of the project: browser, pictures, bench."""
