"""What an operator does with a whole database: backup, copy, grants."""
