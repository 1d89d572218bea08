"""The only package that knows the database: values of ``core`` go in and come out."""
