"""The commands, one module for each noun, imported when one of its commands is called.

What every command imports (``session``, ``options``, ``completion``) imports libraries inside
functions.
"""
