"""What the doctor looks at: one module for each thing that may be wrong, each line a function."""
