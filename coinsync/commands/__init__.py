"""The commands, one module for each thing that people come for; ``cli.py`` says under which name each one stands.

Whatever a command enters beyond the door it imports inside its function, so that ``--help`` waits for no library.
"""
