"""What templates draw and JSON says: one frozen dataclass a picture, the same for both.

Field names here are the JSON's names: scripts hold on to them.
"""
