"""The command line's own work, on the same core as the pages."""
