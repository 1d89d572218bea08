"""The web view: what a family sees of the ledger inside VK, and nothing that could change it."""
