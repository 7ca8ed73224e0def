"""The .conf files: their syntax, their keys, where they are looked for, and who overrides them."""
