"""The suite. Names mirror the rooms that they try."""
