"""What staff save in a file: bytes in, values or every problem out. Reads no file itself."""
