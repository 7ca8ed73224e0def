"""The database of an OpenVNet in Ruby, read, and translated into rows of ours."""
