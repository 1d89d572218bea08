"""How values look: on a terminal, and as JSON and CSV for programs."""
