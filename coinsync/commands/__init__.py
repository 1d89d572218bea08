"""The commands, one module for each noun; ``commands.program`` says which function has which name.

A module is imported when one of its commands is called. Those that every command imports
(``session``, ``options``, ``completion``) therefore import their libraries inside functions.
"""
