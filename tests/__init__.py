"""The suite. Names mirror the packages that they try."""
