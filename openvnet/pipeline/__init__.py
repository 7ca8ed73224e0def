"""The language that flows are written in."""
