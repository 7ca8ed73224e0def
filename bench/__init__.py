"""The figures of the project, one module each; `python -m bench` prints them."""
